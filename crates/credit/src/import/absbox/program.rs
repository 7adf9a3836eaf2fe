//! The deal in a Python file: what is assigned above it is read, and nothing is run.
//!
//! Statements that are not read are passed over. What they name counts as changed by them, and a deal that uses it afterwards
//! is refused: nothing is read half. Two names may be of one map or list, so that a statement that names one of these counts as
//! changing all of them, and the deals made of them.

use std::collections::BTreeSet;

use super::literal::{MAKERS, Names, Parser, SyntaxError};
use super::value::{Json, Tree};

/// Words that begin a statement which is passed over.
const PASSED: [&str; 23] = [
    "import", "from", "def", "class", "if", "elif", "else", "for", "while", "with", "try",
    "except", "finally", "return", "del", "assert", "raise", "global", "pass", "async", "await",
    "match", "print",
];

/// The keys by which a map is known as a deal where nothing makes one of it.
const DEAL_KEYS: [&[&str]; 2] = [&["bonds", "bond", "notes"], &["waterfall"]];

/// Reads a text that is one value, such as JSON, or a program.
///
/// # Errors
/// Says which line is not read, and why.
pub(super) fn parse(text: &str) -> Result<Tree, SyntaxError> {
    let mut parser = Parser::new(text);
    parser.space();
    if !parser.rest().starts_with(['{', '[']) {
        return program(text);
    }
    let tree = parser.value(&Names::default())?;
    parser.space();
    match parser.peek() {
        None => Ok(tree),
        Some(_) => Err((
            parser.line,
            "stands after the end of the value; remove it".into(),
        )),
    }
}

/// A deal, and the name that it was given.
struct Made<'t> {
    tree: Tree,
    name: &'t str,
}

fn program(text: &str) -> Result<Tree, SyntaxError> {
    let mut parser = Parser::new(text);
    let mut names = Names::default();
    let mut made: Vec<Made<'_>> = Vec::new();
    let mut functions = Functions::default();
    while let Some(line) = next_statement(&mut parser) {
        statement(&mut parser, line, &mut names, &mut made, &mut functions)?;
    }
    if made.is_empty() {
        let is_deal = |tree: &Tree| match &tree.value {
            Json::Map(map) => DEAL_KEYS
                .iter()
                .all(|keys| map.iter().any(|(n, _)| keys.contains(&n.as_str()))),
            _ => false,
        };
        let maps = names.given.values().filter_map(|v| v.as_ref().ok());
        made.extend(maps.filter(|t| is_deal(t)).map(|tree| Made {
            tree: tree.clone(),
            name: "",
        }));
    }
    for deal in &made {
        if let Some(Err(error)) = names.given.get(deal.name) {
            return Err(error.clone());
        }
    }
    let mut made = made.into_iter();
    match (made.next(), made.next()) {
        (Some(deal), None) => Ok(deal.tree),
        (Some(_), Some(second)) => Err((
            second.tree.line,
            "is a second deal of this file; keep one".into(),
        )),
        (None, _) => {
            let unread = names.given.into_values().find_map(Result::err);
            Err(unread.unwrap_or((
                1,
                "there is no deal in this file; write `Generic(...)`, `SPV(...)` or a map with `bonds` and `waterfall`".into(),
            )))
        }
    }
}

/// Goes to the next statement, and says in which line it begins.
fn next_statement(parser: &mut Parser<'_>) -> Option<u64> {
    loop {
        match parser.peek()? {
            ';' | '\n' | '\r' | '\u{feff}' => {
                parser.next();
            }
            '#' => parser.comment(),
            // A line of spaces alone is none.
            ' ' | '\t' => {
                let indented = parser.rest().trim_start_matches([' ', '\t', '\r']);
                if !indented.is_empty() && !indented.starts_with(['\n', '#']) {
                    return Some(parser.line);
                }
                parser.at = parser.text.len() - indented.len();
            }
            _ => return Some(parser.line),
        }
    }
}

/// The value of an assignment, which is all that stands before `end`.
fn whole_value(parser: &mut Parser<'_>, names: &Names, end: usize) -> Result<Tree, SyntaxError> {
    let tree = parser.value(names)?;
    let mut over = Parser::new(&parser.text[end.min(parser.at)..parser.at]);
    over.space();
    if over.peek().is_some() {
        // Python ends a statement with its line.
        return Err((
            parser.line,
            "goes on in a line that does not belong to the value; put brackets around both".into(),
        ));
    }
    // The rest of the statement must be empty.
    let rest = parser.text[parser.at.min(end)..end].trim();
    if rest.is_empty() || rest.starts_with('#') {
        Ok(tree)
    } else {
        Err((
            parser.line,
            format!("`{}` is not read; write the value itself", shortened(rest)),
        ))
    }
}

fn statement<'t>(
    parser: &mut Parser<'t>,
    line: u64,
    names: &mut Names,
    made: &mut Vec<Made<'t>>,
    functions: &mut Functions<'t>,
) -> Result<(), SyntaxError> {
    let begin = (parser.at, parser.line);
    let is_indented = parser.rest().starts_with([' ', '\t']);
    let whole = pass(parser)?;
    let end = (parser.at, parser.line);
    let words = words(whole);
    let makes = MAKERS.iter().any(|m| {
        words
            .iter()
            .any(|(word, after)| word == m && after.trim_start().starts_with('('))
    });
    let first = words.first().map_or("", |(word, _)| *word);
    functions.pass(is_indented, first, &words);
    if PASSED.contains(&first) || is_indented {
        // A definition of this name would be another thing than what AbsBox has.
        if makes {
            return Err((
                line,
                "a deal is made inside a block or a function, which is not run; write it at the start of a line".into(),
            ));
        }
        let calls = |(word, after): &(&str, &str)| {
            let is_made = made.iter().any(|m| m.name == *word);
            !is_made && names.given.contains_key(*word) && after.starts_with('.')
        };
        if first != "print" || words.iter().any(calls) {
            changed(names, made, &words, line, false);
        }
        if words.iter().any(is_star) {
            star(names, made, line);
        }
        return Ok(());
    }
    (parser.at, parser.line) = begin;
    let targets = targets(parser);
    if targets.is_empty() && !makes {
        (parser.at, parser.line) = end;
        let assigns = assigns(&whole[first.len()..]);
        changed(names, made, &words, line, assigns);
        return Ok(());
    }
    let value = whole_value(parser, names, end.0);
    (parser.at, parser.line) = end;
    if makes {
        let tree = value.clone()?;
        let name = targets.first().copied().unwrap_or("");
        made.push(Made { tree, name });
    }
    if value.is_err() {
        changed(names, made, &words, line, false);
    }
    for target in targets {
        let value = match functions.names.contains(target) && !makes {
            true => Err((
                line,
                format!(
                    "`{target}` may be changed by a function above, which is not run; use another name in it"
                ),
            )),
            false => value.clone(),
        };
        names.given.insert(target.to_string(), value);
    }
    Ok(())
}

/// What functions and classes name, which are not run where they stand.
#[derive(Default)]
struct Functions<'t> {
    names: BTreeSet<&'t str>,
    /// The statement above is in one, or begins one.
    inside: bool,
}

impl<'t> Functions<'t> {
    fn pass(&mut self, is_indented: bool, first: &str, words: &[(&'t str, &'t str)]) {
        if !is_indented {
            self.inside = ["def", "class", "async"].contains(&first);
        }
        if self.inside {
            self.names.extend(words.iter().map(|(word, _)| *word));
        }
    }
}

/// The names to which a statement assigns; the parser stands at the value then.
fn targets<'t>(parser: &mut Parser<'t>) -> Vec<&'t str> {
    let mut targets = Vec::new();
    loop {
        let begin = (parser.at, parser.line);
        parser.space();
        let word = parser.word();
        let is_target = !word.is_empty() && parser.take("=") && !parser.rest().starts_with('=');
        if !is_target {
            (parser.at, parser.line) = begin;
            return targets;
        }
        targets.push(word);
    }
}

/// Passes a statement: to the end of a line that no bracket, text or backslash carries on.
fn pass<'t>(parser: &mut Parser<'t>) -> Result<&'t str, SyntaxError> {
    let begin = parser.at;
    let mut open: Vec<u64> = Vec::new();
    let end = loop {
        match parser.peek() {
            None => break parser.at,
            Some('#') => parser.comment(),
            Some(quote @ ('"' | '\'')) => pass_text(parser, quote)?,
            Some('\\') => {
                parser.next();
                if parser.rest().starts_with('\r') {
                    parser.next();
                }
                parser.next();
            }
            Some('\n' | ';') if open.is_empty() => break parser.at,
            Some(c) => {
                if "([{".contains(c) {
                    open.push(parser.line);
                } else if ")]}".contains(c) && open.pop().is_none() {
                    let problem = format!("`{c}` closes what was never opened; remove it");
                    return Err((parser.line, problem));
                }
                parser.next();
            }
        }
    };
    match open.pop() {
        Some(line) => Err((
            line,
            "a bracket that opens here never closes; close it".into(),
        )),
        None => Ok(&parser.text[begin..end]),
    }
}

fn pass_text(parser: &mut Parser<'_>, quote: char) -> Result<(), SyntaxError> {
    let line = parser.line;
    let single = quote.to_string();
    let triple = single.repeat(3);
    let end = if parser.rest().starts_with(&triple) {
        triple
    } else {
        single
    };
    parser.at += end.len();
    while !parser.rest().starts_with(&end) {
        match parser.next() {
            Some('\\') => {
                parser.next();
            }
            Some('\n') if end.len() > 1 => {}
            Some('\n') | None => {
                return Err((
                    line,
                    "a text that begins here never ends; close its quotes".into(),
                ));
            }
            Some(_) => {}
        }
    }
    parser.at += end.len();
    Ok(())
}

/// The words of a statement outside texts and comments, each with what follows it.
fn words(statement: &str) -> Vec<(&str, &str)> {
    let mut parser = Parser::new(statement);
    let mut words = Vec::new();
    while let Some(c) = parser.peek() {
        match c {
            '#' => parser.comment(),
            // What is no whole text has been refused.
            '"' | '\'' => {
                if pass_text(&mut parser, c).is_err() {
                    break;
                }
            }
            _ => {
                let word = parser.word();
                if word.is_empty() {
                    parser.next();
                } else {
                    words.push((word, parser.rest()));
                }
            }
        }
    }
    words
}

/// Whether a statement gives its first word, or a member of it, another value: `deal.name = ...`, `deal, x = ...`, `deal |= ...`.
fn assigns(after: &str) -> bool {
    let signs = after.split('(').next().unwrap_or("");
    let bytes = signs.as_bytes();
    let is_single = |i: usize| {
        let beside = |at: Option<usize>| at.and_then(|at| bytes.get(at));
        let before = beside(i.checked_sub(1)).is_some_and(|b| b"=<>!".contains(b));
        !before && beside(Some(i + 1)) != Some(&b'=')
    };
    after.trim_start().starts_with('[')
        || (0..bytes.len()).any(|i| bytes[i] == b'=' && is_single(i))
}

/// Whether a word is the `import` of `from ... import *`.
fn is_star((word, after): &(&str, &str)) -> bool {
    *word == "import" && after.trim_start().starts_with('*')
}

/// Notes that names of another file come in here, which is not read: any of those given above may be replaced.
/// A deal that was made stays as it was made.
fn star(names: &mut Names, made: &[Made<'_>], line: u64) {
    names.star = Some(line);
    for (word, value) in &mut names.given {
        if value.is_ok() && made.iter().all(|m| m.name != word) {
            let problem = format!(
                "`{word}` may be replaced by `import *` here, which is not followed; write it above the values"
            );
            *value = Err((line, problem));
        }
    }
}

/// Notes what a statement that is not read may change: all that it names, and if one of these is a map or a list, all others,
/// which may be of the same. A deal that is made is changed where the statement assigns to it or goes into a member of it.
fn changed(names: &mut Names, made: &[Made<'_>], words: &[(&str, &str)], line: u64, assigns: bool) {
    let mut found: BTreeSet<&str> = BTreeSet::new();
    let mut everything = false;
    let goes_over = words
        .iter()
        .any(|(w, _)| ["del", "for", "with", "setattr"].contains(w));
    for (i, (word, after)) in words.iter().enumerate() {
        if made.iter().any(|m| m.name == *word) {
            let goes_over = goes_over && (after.starts_with(['.', ',', '[']));
            if (assigns && i == 0) || goes_into(after) || goes_over {
                found.insert(word);
            }
        } else if let Some(Ok(tree)) = names.given.get(*word) {
            found.insert(word);
            everything |= matches!(tree.value, Json::Map(_) | Json::List(_));
        }
    }
    let of_all = names
        .given
        .keys()
        .cloned()
        .chain(made.iter().map(|m| m.name.to_string()));
    let others: Vec<String> = of_all.filter(|_| everything).collect();
    let found = found.into_iter().map(str::to_string);
    for word in found.chain(others) {
        if names.given.get(&word).is_none_or(Result::is_ok) {
            let problem = format!(
                "`{word}` may be changed here by what is not read; write its value where it is first given"
            );
            names.given.insert(word, Err((line, problem)));
        }
    }
}

/// Whether what follows a name goes into a member of it, or gives a member a value: `.bonds["A"]`, `.fees.pop()`, `.status = 1`.
fn goes_into(after: &str) -> bool {
    let Some(member) = after.strip_prefix('.') else {
        return after.starts_with('[');
    };
    let rest = member.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_');
    let rest = rest.trim_start();
    let is_equal = rest.starts_with("==");
    rest.starts_with(['[', '.'])
        || (rest.starts_with('=') && !is_equal)
        || (rest.get(1..2) == Some("=") && rest.starts_with(['+', '-', '*', '/', '|', '&', '%']))
}

/// The start of a text, for a message.
pub(super) fn shortened(text: &str) -> String {
    const MOST: usize = 60;
    let plain: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match plain.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}...", plain[..end].escape_debug()),
        None => plain.escape_debug().to_string(),
    }
}

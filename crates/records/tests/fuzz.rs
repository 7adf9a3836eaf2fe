//! Broken files: whatever a file holds, an importer reads it whole or refuses it, and never panics.
//!
//! `SEALBOOK_FUZZ` is how many files are made, all importers together. The n-th file is the same in every run; `SEALBOOK_FUZZ_FROM` is
//! the first n.

#[path = "common/files.rs"]
mod files;
#[path = "common/targets.rs"]
mod targets;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use files::Folder;
use parquet::file::reader::FileReader;
use records::table::Table;
use targets::{Target, targets};

/// A source of numbers that are the same in every run (splitmix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }
}

/// What files of people have where it hurts.
const TOKENS: [&[u8]; 36] = [
    b",",
    b";",
    b"\t",
    b"|",
    b"\"",
    b"\"\"",
    b"\n",
    b"\r",
    b"\r\n",
    b" ",
    b"\xc2\xa0",
    b"\xef\xbb\xbf",
    b"\0",
    b"\xff",
    b"-",
    b".",
    b"1E+15",
    b"1e99",
    b"NULL",
    b"NaN",
    b"0",
    b"9999999999999999999999999999999999999999",
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b"null",
    b"true",
    b"\\u0000",
    b"sep=;\n",
    b"\x15\xfe\xff\xff\xff\x0f",
    b"\x80",
    b"\x7f",
    b"PAR1",
    b"\xff\xff\xff\x7f",
];

/// A file with one to four changes.
fn mutated(random: &mut Random, seed: &[u8], other: &[u8]) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len() + 1);
        let length = if random.below(4) == 0 { 64 } else { 4 };
        let to = (at + 1 + random.below(length)).min(bytes.len());
        match random.below(9) {
            0 | 1 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            2 if at < bytes.len() => bytes[at] = random.next() as u8,
            3 => drop(bytes.drain(at.min(to)..to)),
            4 => {
                let part = bytes[at.min(to)..to].to_vec();
                let place = random.below(bytes.len() + 1);
                bytes.splice(place..place, part);
            }
            5 if random.below(4) == 0 => bytes.truncate(at),
            6 => {
                let from = random.below(other.len());
                let part = &other[from..(from + random.below(64)).min(other.len())];
                bytes.splice(at..at, part.iter().copied());
            }
            _ => {
                let token = TOKENS[random.below(TOKENS.len())];
                let end = if random.below(2) == 0 { at } else { to };
                bytes.splice(at.min(end)..end, token.iter().copied());
            }
        }
    }
    bytes
}

/// How many records a file has, by other readers than ours; `None` if they cannot tell.
fn counted(path: &Path, bytes: &[u8], has_header: bool) -> Option<u64> {
    match path.extension()?.to_str()? {
        "json" => {
            let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
            if text.trim_ascii_start().first() == Some(&b'[') {
                let list: Vec<serde_json::Value> = serde_json::from_slice(text).ok()?;
                return Some(list.len() as u64);
            }
            let objects =
                serde_json::Deserializer::from_slice(text).into_iter::<serde_json::Value>();
            Some(objects.map(|o| o.map(|_| 1)).sum::<Result<u64, _>>().ok()?)
        }
        "parquet" => {
            let file = std::fs::File::open(path).ok()?;
            let reader = parquet::file::reader::SerializedFileReader::new(file).ok()?;
            u64::try_from(reader.metadata().file_metadata().num_rows()).ok()
        }
        _ => {
            let mut text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
            let line = text.split(|b| matches!(b, b'\r' | b'\n')).next()?;
            let bare = String::from_utf8_lossy(line)
                .to_ascii_lowercase()
                .replace('"', "");
            let said = bare.strip_prefix("sep=").map(str::as_bytes);
            if said.is_some() {
                text = &text[line.len()..];
            }
            let count = |d: &u8| line.iter().filter(|b| **b == *d).count();
            let most = *b",;\t|".iter().max_by_key(|d| count(d))?;
            let delimiter = said.and_then(|s| s.first().copied()).unwrap_or(most);
            let mut reader = csv::ReaderBuilder::new()
                .delimiter(delimiter)
                .has_headers(has_header)
                .flexible(true)
                .from_reader(text);
            Some(
                reader
                    .byte_records()
                    .map(|r| r.map(|_| 1))
                    .sum::<Result<u64, _>>()
                    .ok()?,
            )
        }
    }
}

/// How many records our own reader finds in a table.
fn rows_of(path: &Path, target: &Target) -> Option<u64> {
    let record = target.record.as_ref()?;
    let mut table = Table::open(path, target.layout.as_ref(), |_, _| Ok(record.clone())).ok()?;
    let mut rows = 0;
    while table.next_row().ok()?.is_some() {
        rows += 1;
    }
    Some(rows)
}

/// Reads a file; whether it was accepted.
fn try_one(target: &Target, path: &Path, bytes: &[u8]) -> bool {
    let made = match (target.import)(path) {
        Err(error) => {
            assert!(
                !error.problem.is_empty() && error.to_string().len() < 3000,
                "{error}"
            );
            return false;
        }
        Ok(made) => made,
    };
    let has_header = target.layout.as_ref().is_none_or(|l| l.header);
    let is_table = target.record.is_some() || made.is_some();
    if let Some(count) = counted(path, bytes, has_header).filter(|_| is_table) {
        assert!(
            made.is_none_or(|m| m as u64 == count),
            "{made:?} of {count} records"
        );
        let rows = rows_of(path, target);
        assert!(rows.is_none_or(|r| r == count), "{rows:?} of {count} rows");
    }
    true
}

#[test]
fn a_broken_file_is_read_whole_or_refused() {
    let number = |name: &str| {
        std::env::var(name)
            .ok()
            .map(|n| n.parse::<u64>().expect("a number"))
    };
    let (from, count) = (
        number("SEALBOOK_FUZZ_FROM").unwrap_or(0),
        number("SEALBOOK_FUZZ").unwrap_or(4000),
    );
    let folder = Folder::new();
    let targets = targets(&folder);
    let seeds: Vec<(usize, PathBuf, Vec<u8>)> = targets
        .iter()
        .enumerate()
        .flat_map(|(i, t)| {
            t.seeds
                .iter()
                .map(move |p| (i, p.clone(), std::fs::read(p).unwrap()))
        })
        .collect();
    for (target, path, bytes) in &seeds {
        let target = &targets[*target];
        let told = (target.import)(path).map_err(|e| e.to_string());
        assert!(told.is_ok(), "{}: {told:?}", target.name);
        assert!(try_one(target, path, bytes));
    }
    let mut accepted = vec![[0u64; 2]; targets.len()];
    for n in from..from + count {
        let mut random = Random(n.wrapping_mul(0x2545_f491_4f6c_dd1d));
        let (target, path, seed) = &seeds[random.below(seeds.len())];
        let other = &seeds[random.below(seeds.len())].2;
        let bytes = mutated(&mut random, seed, other);
        let extension = path.extension().unwrap().to_str().unwrap();
        let path = folder.write(&format!("mutated.{extension}"), &bytes);
        let target_of = &targets[*target];
        let result = catch_unwind(AssertUnwindSafe(|| try_one(target_of, &path, &bytes)));
        let ok = result.unwrap_or_else(|_| {
            panic!(
                "file {n} ({}): SEALBOOK_FUZZ_FROM={n} SEALBOOK_FUZZ=1 makes it again",
                target_of.name
            )
        });
        accepted[*target][usize::from(ok)] += 1;
    }
    for (target, [refused, read]) in targets.iter().zip(accepted) {
        println!(
            "{:20} {} files: {read} read, {refused} refused",
            target.name,
            read + refused
        );
    }
}

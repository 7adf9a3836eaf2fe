//! Names and ids: which texts may stand in claims and files.

/// Whether a text may stand as a name in claims, which are printed: 1 to 64 ASCII letters, digits and `-_./+&#%*`. Without
/// spaces no name is a sentence.
pub fn is_name(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./+&#%*".contains(c);
    (1..=64).contains(&text.len()) && text.chars().all(plain)
}

/// What to say of a text that is no name.
pub const NO_NAME: &str =
    "is no name; write 1 to 64 letters, digits or any of -_./+&#%*, without spaces";

/// Whether a text may be the id of an account or a loan: 1 to 128 ASCII letters, digits and `-_./+&#%*@:=`, as in numbers,
/// hexadecimal digests, UUIDs and addresses.
pub fn is_id(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./+&#%*@:=".contains(c);
    (1..=128).contains(&text.len()) && text.chars().all(plain)
}

/// What to say of a text that is no id.
pub const NO_ID: &str =
    "is no id; write 1 to 128 letters, digits or any of -_./+&#%*@:=, without spaces";

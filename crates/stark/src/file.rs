//! The proof file: magic, format, statement, version, claim, proof parts.
//!
//! ```text
//! "SEALBOOK"  8 bytes; those of an inner suite, whose proofs are not for publication, start with "SBINNER"
//! format      u32, little endian, now 2
//! statement   u32 length, UTF-8
//! version     u32
//! claim       u32 length, JSON
//! parts       u32 count, then for each: u32 length, bytes
//! checksum    32 bytes, SHA3-256 of everything before
//! ```
//!
//! The checksum finds accidents, not forgers: soundness never rests on it.

use std::io::Read;
use std::marker::PhantomData;
use std::path::Path;

use serde::de::DeserializeOwned;
use sha3::{Digest, Sha3_256};

use crate::budget::from_json;
use crate::proof::PartProof;
use crate::statement::{Statement, claim_bytes};
use crate::suite::{INNER, Outer, Suite};

const FORMAT: u32 = 2;
/// Bytes of magic and format.
const START: usize = 12;
const CHECKSUM: usize = 32;

/// Most bytes of a proof file that are read. 100,000 loans over 359 months take 0.6 GB.
pub const MAX_FILE_BYTES: usize = 1 << 31;
/// Most bytes of a claim. 10,000 scenarios of 32 markets take 3 MB, the nullifiers of a million loans 35 MB.
const MAX_CLAIM_BYTES: usize = 1 << 26;
/// Most proofs. 100,000 loans over 359 months take 391.
const MAX_PARTS: usize = 1 << 16;
/// Most bytes of a statement's name.
const MAX_NAME_BYTES: usize = 64;
/// Memory that a claim may take, in bytes for a byte of it; what is below does not count. A number of one digit takes
/// four bytes to write, with quotes and comma, and 32 to hold.
const CLAIM_MEMORY: usize = 8;
const FREE_MEMORY: usize = 1 << 20;

/// Why bytes are not a proof file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// Not a proof file at all.
    #[error("this is not a Sealbook proof file (it does not start with SEALBOOK)")]
    Magic,
    /// An inner proof.
    #[error(
        "this is an inner proof: it is made for a later proof to check and may reveal private data, so it is neither \
         verified nor shown"
    )]
    Inner,
    /// A format this program does not read.
    #[error("proof file format {0} is not supported; this program reads format {FORMAT}")]
    Format(u32),
    /// The bytes end early, go on too long or were changed.
    #[error("the proof file is damaged: {0}")]
    Damaged(&'static str),
    /// Made by another version of the statement.
    #[error(
        "the proof is of `{got}` version {got_version}; this program checks `{expected}` version {expected_version}"
    )]
    Statement {
        /// The file's statement.
        got: String,
        /// The file's version.
        got_version: u32,
        /// The statement asked for.
        expected: &'static str,
        /// The version this program knows.
        expected_version: u32,
    },
    /// The claim is not one of this statement.
    #[error("the claim in the proof file cannot be read: {0}")]
    Claim(String),
}

/// A file of a proof for publication.
pub type ProofFile = ProofFileOf<Outer>;

/// The contents of a file of a proof made with suite `P`. Only the reader of its suite takes it.
///
/// Whoever writes a proof of a suite that doesn't hide keeps the file from others (mode 0600) and deletes it once a later
/// proof has checked it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProofFileOf<P: Suite> {
    /// The statement's id.
    pub statement: String,
    /// The statement's version.
    pub version: u32,
    /// The claim, as canonical JSON.
    pub claim: Vec<u8>,
    /// The proofs.
    pub parts: Vec<PartProof>,
    suite: PhantomData<P>,
}

impl<P: Suite> ProofFileOf<P> {
    /// A file for a claim and its proofs.
    pub fn new<S: Statement>(claim: &S::Claim, parts: Vec<PartProof>) -> Self {
        Self::raw(S::ID, S::VERSION, claim_bytes::<S>(claim), parts)
    }

    /// A file of these contents, whatever they are.
    pub fn raw(statement: &str, version: u32, claim: Vec<u8>, parts: Vec<PartProof>) -> Self {
        Self {
            statement: statement.into(),
            version,
            claim,
            parts,
            suite: PhantomData,
        }
    }

    /// The file's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = P::MAGIC.to_vec();
        let number = |n: usize| u32::try_from(n).expect("below 4 GiB").to_le_bytes();
        let chunk = |out: &mut Vec<u8>, bytes: &[u8]| {
            out.extend(number(bytes.len()));
            out.extend(bytes);
        };
        out.extend(FORMAT.to_le_bytes());
        chunk(&mut out, self.statement.as_bytes());
        out.extend(self.version.to_le_bytes());
        chunk(&mut out, &self.claim);
        out.extend(number(self.parts.len()));
        for part in &self.parts {
            chunk(&mut out, part);
        }
        let checksum = Sha3_256::digest(&out);
        out.extend(checksum);
        out
    }

    /// The bytes of a proof file on disk, at most [`MAX_FILE_BYTES`] of them. Of a file that does not start with the magic and
    /// the format that this program reads, only the start: [`from_bytes`](Self::from_bytes) says what is wrong with it.
    ///
    /// # Errors
    /// If it cannot be read, or is longer.
    pub fn read_bytes(path: &Path) -> std::io::Result<Vec<u8>> {
        let mut file = std::fs::File::open(path)?;
        let mut start = Vec::with_capacity(START);
        (&mut file).take(START as u64).read_to_end(&mut start)?;
        if start_of::<P>(&start).is_err() {
            return Ok(start);
        }
        read_rest(file, start, MAX_FILE_BYTES)
    }

    /// Reads a file. What it takes in memory is a small multiple of the bytes, whatever they are.
    ///
    /// # Errors
    /// Says why the bytes are not a proof file.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FileError> {
        let mut reader = start_of::<P>(bytes)?;
        let body_len = bytes
            .len()
            .checked_sub(CHECKSUM)
            .ok_or(FileError::Damaged("it is too short"))?;
        let (body, checksum) = bytes.split_at(body_len);
        if Sha3_256::digest(body)[..] != *checksum {
            return Err(FileError::Damaged("its checksum does not match"));
        }
        let statement = String::from_utf8(reader.chunk_below(MAX_NAME_BYTES)?.to_vec())
            .map_err(|_| FileError::Damaged("the statement's name is not text"))?;
        let version = reader.number()?;
        let claim = reader.chunk_below(MAX_CLAIM_BYTES)?.to_vec();
        let count = reader.number()? as usize;
        if count > MAX_PARTS {
            return Err(FileError::Damaged("it has more parts than any proof"));
        }
        let parts = (0..count)
            .map(|_| reader.chunk().map(<[u8]>::to_vec))
            .collect::<Result<Vec<_>, _>>()?;
        if reader.0.len() != CHECKSUM {
            return Err(FileError::Damaged("bytes are left over"));
        }
        Ok(Self {
            statement,
            version,
            claim,
            parts,
            suite: PhantomData,
        })
    }

    /// The claim, if the file is of statement `S` in the version this program knows.
    ///
    /// # Errors
    /// If it is of another statement or version, or not canonical.
    pub fn claim<S: Statement>(&self) -> Result<S::Claim, FileError> {
        if self.statement != S::ID || self.version != S::VERSION {
            return Err(FileError::Statement {
                got: self.statement.clone(),
                got_version: self.version,
                expected: S::ID,
                expected_version: S::VERSION,
            });
        }
        let claim: S::Claim = self.claim_as()?;
        if claim_bytes::<S>(&claim) != self.claim {
            return Err(FileError::Claim("it is not in canonical form".into()));
        }
        Ok(claim)
    }

    /// The claim read as any type, such as a JSON value, without a check of what it says.
    ///
    /// # Errors
    /// If it is none, or takes more memory than its size allows.
    pub fn claim_as<T: DeserializeOwned>(&self) -> Result<T, FileError> {
        let memory = FREE_MEMORY + CLAIM_MEMORY * self.claim.len();
        from_json(&self.claim, memory).map_err(|e| FileError::Claim(e.to_string()))
    }
}

/// The bytes of any file on disk, at most [`MAX_FILE_BYTES`] of them.
///
/// # Errors
/// If it cannot be read, or is longer.
pub fn read_bounded(path: &Path) -> std::io::Result<Vec<u8>> {
    read_rest(std::fs::File::open(path)?, Vec::new(), MAX_FILE_BYTES)
}

/// Reads on behind the bytes that were read, up to `most` in all.
fn read_rest(file: std::fs::File, mut bytes: Vec<u8>, most: usize) -> std::io::Result<Vec<u8>> {
    let said = file.metadata()?.len().min(most as u64);
    bytes.reserve(usize::try_from(said).unwrap_or(0));
    let left = most + 1 - bytes.len();
    file.take(left as u64).read_to_end(&mut bytes)?;
    if bytes.len() > most {
        let problem = format!("it has more than {most} bytes");
        return Err(std::io::Error::new(
            std::io::ErrorKind::FileTooLarge,
            problem,
        ));
    }
    Ok(bytes)
}

/// Checks magic and format, and reads on behind them.
fn start_of<P: Suite>(bytes: &[u8]) -> Result<Reader<'_>, FileError> {
    let Some(rest) = bytes.strip_prefix(&P::MAGIC) else {
        return Err(if bytes.starts_with(INNER) {
            FileError::Inner
        } else {
            FileError::Magic
        });
    };
    let mut reader = Reader(rest);
    match reader.number()? {
        FORMAT => Ok(reader),
        format => Err(FileError::Format(format)),
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> Result<&'a [u8], FileError> {
        let (head, rest) = self
            .0
            .split_at_checked(n)
            .ok_or(FileError::Damaged("it ends early"))?;
        self.0 = rest;
        Ok(head)
    }
    fn number(&mut self) -> Result<u32, FileError> {
        let bytes = self
            .take(4)?
            .try_into()
            .map_err(|_| FileError::Damaged("it ends early"))?;
        Ok(u32::from_le_bytes(bytes))
    }
    fn chunk(&mut self) -> Result<&'a [u8], FileError> {
        let n = self.number()?;
        self.take(n as usize)
    }
    fn chunk_below(&mut self, most: usize) -> Result<&'a [u8], FileError> {
        let chunk = self.chunk()?;
        if chunk.len() > most {
            return Err(FileError::Damaged("its name or claim is too long"));
        }
        Ok(chunk)
    }
}

//! Runs the program as scripts do.
#![allow(dead_code)] // Each test file uses its part.

use std::path::Path;
use std::process::{Command, Output};

/// Runs the program in a folder.
pub fn sealbook(folder: &Path, arguments: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sealbook"))
        .args(arguments.split_whitespace())
        .current_dir(folder)
        .output()
        .unwrap()
}

/// What a run says that must end with `code`: stdout, then stderr.
pub fn run(folder: &Path, arguments: &str, code: i32) -> String {
    let out = sealbook(folder, arguments);
    let text =
        String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(code), "{arguments}\n{text}");
    text
}

/// What a run says that must end with `code`: stdout if that is 0, and stderr otherwise.
pub fn told(folder: &Path, arguments: &str, code: i32) -> String {
    let out = sealbook(folder, arguments);
    let [out, err, status] = [
        String::from_utf8_lossy(&out.stdout).into_owned(),
        String::from_utf8_lossy(&out.stderr).into_owned(),
        format!("{:?}", out.status.code()),
    ];
    assert_eq!(
        status,
        format!("{:?}", Some(code)),
        "{arguments}: {out}{err}"
    );
    if code == 0 { out } else { err }
}

/// A folder with the program's own samples.
pub fn samples(arguments: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    run(dir.path(), &format!("sample . {arguments}"), 0);
    dir
}

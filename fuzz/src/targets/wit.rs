//! Any text, read as a package of contracts with the directives in its doc comments: it is read, or refused with a
//! position.

use std::fs;

use switchyard::contract::{Contracts, Sources, wit_files};

use super::{kind_of, workspace};
use crate::run::Target;

pub(crate) struct Wit {
    /// The package that every contract imports.
    service: Vec<(String, String)>,
    packages: Vec<Vec<u8>>,
}

impl Wit {
    pub(crate) fn open() -> anyhow::Result<Self> {
        let root = workspace();
        let files = wit_files(&root.join("wit"))?;
        let is_service = |path: &str| path.starts_with("service/");
        let service = files.iter().filter(|(path, _)| is_service(path)).cloned().collect();
        let mut packages: Vec<_> = files.into_iter().map(|(_, text)| text.into_bytes()).collect();
        for folder in ["calls/calls.wit", "events/events.wit", "migrates/migrates.wit", "hostile/hostile.wit"] {
            packages.push(fs::read(root.join("host/tests/wit").join(folder))?);
        }
        Ok(Self { service, packages })
    }
}

impl Target for Wit {
    fn corpus(&self) -> Vec<Vec<u8>> {
        self.packages.clone()
    }

    fn words(&self) -> &'static [&'static [u8]] {
        &[
            b"/// `GET /a/{b}?c`\n",
            b"/// `POST /a`\n",
            b"/// `read`\n",
            b"/// `event by key`\n",
            b"/// `every 1h`\n",
            b"/// `every 0s`\n",
            b"/// `every 99999999999999999999h`\n",
            b"/// `409`\n",
            b"/// `402` commits\n",
            b"/// `authenticate`\n",
            b"/// `role staff`\n",
            b"`",
            b"{",
            b"}",
            b"option<",
            b"result<",
            b"list<",
            b"func(",
            b"interface a {",
            b"world w {",
            b"use ",
            b"include ",
            b"import ",
            b"export ",
            b"resource r;",
            b"stream<u8>",
            b"@since(version = 1.0.0)\n",
            b"package a:b@1.0.0;",
            b"//",
            b"/*",
            b"*/",
            b"%interface",
        ]
    }

    fn run(&mut self, input: &[u8]) -> String {
        let Ok(text) = std::str::from_utf8(input) else { return "no text".into() };
        let mut files = self.service.clone();
        files.push(("fuzzed/fuzzed.wit".into(), text.into()));
        match Contracts::of(Sources::of_files(files)) {
            Ok(contracts) => format!("{} worlds", contracts.worlds().count()),
            Err(error) => kind_of(&error.to_string()),
        }
    }
}

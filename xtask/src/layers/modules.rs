//! The modules of a crate, read from its sources, and the file that each path in them leads to.
//!
//! Code under `#[cfg(test)]` is left out. A path is followed through every `use` until the module that defines its item.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// The maximum of `use` declarations that one path may lead through. Code that compiles needs far fewer.
const REEXPORTS_MAX: usize = 32;

/// The names of a path: `super`, `record`, `Record`.
type Names = Vec<String>;

/// The index of a module in [`Modules`].
type Id = usize;

#[derive(Debug, Default)]
struct Module {
    file: PathBuf,
    parent: Option<Id>,
    children: BTreeMap<String, Id>,
    /// The path behind each name that a `use` imports.
    imports: BTreeMap<String, Names>,
    /// `use …::*`
    globs: Vec<Names>,
    definitions: BTreeSet<String>,
    /// Paths in code, outside of `use`.
    paths: Vec<Names>,
}

/// The modules of one crate.
#[derive(Debug, Default)]
pub(super) struct Modules(Vec<Module>);

/// The files from which each file takes an item, and the paths that name these items.
pub(super) type Uses = BTreeMap<PathBuf, BTreeMap<PathBuf, BTreeSet<String>>>;

impl Modules {
    /// Reads the crate whose root is `lib`; `source` returns the text of a file, if there is such a file.
    pub(super) fn read(lib: &str, source: &dyn Fn(&Path) -> Option<String>) -> Self {
        let mut modules = Self::default();
        let text = source(Path::new(lib)).expect("the root of the crate");
        modules.file(None, PathBuf::from(lib), &text, source);
        modules
    }

    /// Every file with the other files that it takes items from.
    pub(super) fn uses(&self) -> Uses {
        let mut uses = Uses::new();
        for (id, module) in self.0.iter().enumerate() {
            let of_file = uses.entry(module.file.clone()).or_default();
            for path in module.imports.values().chain(&module.globs).chain(&module.paths) {
                for target in self.targets(id, path, 0) {
                    let file = &self.module(target).file;
                    if *file != module.file {
                        of_file.entry(file.clone()).or_default().insert(path.join("::"));
                    }
                }
            }
        }
        uses
    }

    fn module(&self, id: Id) -> &Module {
        self.0.get(id).expect("ids are given out by `add`")
    }

    fn add(&mut self, parent: Option<Id>, file: PathBuf) -> Id {
        self.0.push(Module { file, parent, ..Module::default() });
        self.0.len() - 1
    }

    fn at(&mut self, id: Id) -> &mut Module {
        self.0.get_mut(id).expect("ids are given out by `add`")
    }

    fn file(&mut self, parent: Option<Id>, file: PathBuf, text: &str, source: &dyn Fn(&Path) -> Option<String>) -> Id {
        let tokens: TokenStream = text.parse().expect("a source that compiles");
        let id = self.add(parent, file);
        self.tokens(id, tokens, true, source);
        id
    }

    /// Reads `tokens` of the module `id`: its items if `items`, otherwise the inside of one.
    fn tokens(&mut self, id: Id, tokens: TokenStream, items: bool, source: &dyn Fn(&Path) -> Option<String>) {
        let tokens: Vec<_> = tokens.into_iter().collect();
        let mut rest = tokens.as_slice();
        while let [token, after @ ..] = rest {
            rest = after;
            match (token, after) {
                (TokenTree::Punct(mark), [TokenTree::Group(attribute), item @ ..]) if mark.as_char() == '#' => {
                    rest = if is_test(attribute) { behind_item(item) } else { item };
                }
                (TokenTree::Ident(word), [next, behind @ ..]) => match (word.to_string().as_str(), next) {
                    // `pub(in crate::part)` names the users of an item, and not a used item.
                    ("pub", TokenTree::Group(visibility)) if visibility.delimiter() == Delimiter::Parenthesis => {
                        rest = behind;
                    }
                    ("use", TokenTree::Ident(_) | TokenTree::Group(_)) => {
                        let end = after.iter().position(|token| is_mark(token, ';')).unwrap_or(after.len());
                        let (tree, behind) = after.split_at(end);
                        self.import(id, &Names::new(), tree);
                        rest = behind;
                    }
                    ("mod", TokenTree::Ident(name)) if items => {
                        rest = behind;
                        self.child(id, &name.to_string(), behind.first(), source);
                    }
                    ("struct" | "enum" | "trait" | "fn" | "type" | "const" | "static", TokenTree::Ident(name))
                        if items =>
                    {
                        self.at(id).definitions.insert(name.to_string());
                    }
                    (_, next) if is_mark(next, ':') => {
                        let (path, behind) = path(rest_from(&tokens, rest.len() + 1));
                        if path.len() > 1 {
                            self.at(id).paths.push(path);
                        }
                        rest = behind;
                    }
                    _ => {}
                },
                (TokenTree::Group(group), _) => self.tokens(id, group.stream(), false, source),
                _ => {}
            }
        }
    }

    /// Reads a module that is declared in `parent`: in a separate file, or inline.
    fn child(&mut self, parent: Id, name: &str, body: Option<&TokenTree>, source: &dyn Fn(&Path) -> Option<String>) {
        let above = self.module(parent).file.clone();
        let child = if let Some(TokenTree::Group(body)) = body {
            let child = self.add(Some(parent), above);
            self.tokens(child, body.stream(), true, source);
            child
        } else {
            let whole_folder = above.file_name().is_some_and(|file| file == "mod.rs" || file == "lib.rs");
            let folder = if whole_folder { above.with_file_name("") } else { above.with_extension("") };
            let files = [folder.join(format!("{name}.rs")), folder.join(name).join("mod.rs")];
            let (file, text) = files
                .into_iter()
                .find_map(|file| source(&file).map(|text| (file, text)))
                .unwrap_or_else(|| panic!("the module {name} of {} has no file", above.display()));
            self.file(Some(parent), file, &text, source)
        };
        self.at(parent).children.insert(name.to_owned(), child);
    }

    /// Reads a tree of a `use` after `prefix`.
    fn import(&mut self, id: Id, prefix: &Names, tree: &[TokenTree]) {
        let (mut names, mut rest) = path(tree);
        names.splice(0..0, prefix.iter().cloned());
        while let [mark, after @ ..] = rest
            && is_mark(mark, ':')
        {
            rest = after;
        }
        match rest {
            [TokenTree::Group(group), ..] => {
                let inner: Vec<_> = group.stream().into_iter().collect();
                for tree in inner.split(|token| is_mark(token, ',')) {
                    self.import(id, &names, tree);
                }
            }
            [star, ..] if is_mark(star, '*') => self.at(id).globs.push(names),
            [_as, TokenTree::Ident(name)] => {
                self.at(id).imports.insert(name.to_string(), names);
            }
            _ => {
                names.pop_if(|last| last == "self");
                if let Some(last) = names.last().cloned() {
                    self.at(id).imports.insert(last, names);
                }
            }
        }
    }

    /// The modules that `path` in the module `from` leads to; none for another crate's.
    fn targets(&self, from: Id, path: &[String], reexports: usize) -> BTreeSet<Id> {
        let crate_root = path.first().is_some_and(|first| first == "crate");
        match path {
            [_crate, rest @ ..] if crate_root => self.inside(0, rest, reexports),
            [first, ..] if first == "self" || first == "super" || self.knows(from, first, reexports) => {
                self.inside(from, path, reexports)
            }
            _ => BTreeSet::new(),
        }
    }

    /// Whether `name` is an item that the module `id` defines itself.
    fn has(&self, id: Id, name: &String) -> bool {
        let module = self.module(id);
        module.children.contains_key(name) || module.imports.contains_key(name) || module.definitions.contains(name)
    }

    fn knows(&self, id: Id, name: &String, reexports: usize) -> bool {
        let mut globs = self.module(id).globs.iter().filter(|_| reexports == 0);
        self.has(id, name) || globs.any(|glob| self.targets(id, glob, 1).into_iter().any(|of| self.has(of, name)))
    }

    /// The modules that `path` leads to from inside of the module `id`.
    fn inside(&self, id: Id, path: &[String], reexports: usize) -> BTreeSet<Id> {
        let [name, rest @ ..] = path else { return BTreeSet::from([id]) };
        let module = self.module(id);
        match (name.as_str(), module.parent) {
            ("self", _) => return self.inside(id, rest, reexports),
            ("super", Some(parent)) => return self.inside(parent, rest, reexports),
            _ => {}
        }
        let mut found = BTreeSet::new();
        if let Some(child) = module.children.get(name) {
            found.extend(self.inside(*child, rest, reexports));
        }
        // A module and a function may have the same name.
        if (found.is_empty() || rest.is_empty())
            && reexports < REEXPORTS_MAX
            && let Some(import) = module.imports.get(name)
        {
            let path = [import.as_slice(), rest].concat();
            found.extend(self.targets(id, &path, reexports + 1));
        }
        if found.is_empty() && !module.definitions.contains(name) && reexports < REEXPORTS_MAX {
            let globs = module.globs.iter().flat_map(|glob| self.targets(id, glob, reexports + 1));
            found.extend(
                globs.filter(|of| *of != id && self.has(*of, name)).flat_map(|of| self.inside(of, path, reexports + 1)),
            );
        }
        if found.is_empty() && !module.imports.contains_key(name) {
            found.insert(id);
        }
        found
    }
}

fn is_mark(token: &TokenTree, mark: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == mark)
}

fn is_test(attribute: &Group) -> bool {
    attribute.delimiter() == Delimiter::Bracket && attribute.stream().to_string().replace(' ', "") == "cfg(test)"
}

fn behind_item(tokens: &[TokenTree]) -> &[TokenTree] {
    let ends = |token: &TokenTree| {
        is_mark(token, ';') || matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace)
    };
    let end = tokens.iter().position(ends).map_or(tokens.len(), |end| end + 1);
    tokens.get(end..).unwrap_or_default()
}

fn rest_from(tokens: &[TokenTree], left: usize) -> &[TokenTree] {
    tokens.get(tokens.len() - left..).unwrap_or_default()
}

/// The path at the beginning of `tokens`, and the tokens after it.
fn path(mut tokens: &[TokenTree]) -> (Names, &[TokenTree]) {
    let mut names = Names::new();
    loop {
        match tokens {
            [TokenTree::Ident(name), rest @ ..] => {
                names.push(name.to_string());
                tokens = rest;
            }
            _ => return (names, tokens),
        }
        match tokens {
            [first, second, rest @ ..] if is_mark(first, ':') && is_mark(second, ':') => {
                if !matches!(rest.first(), Some(TokenTree::Ident(_))) {
                    return (names, rest);
                }
                tokens = rest;
            }
            _ => return (names, tokens),
        }
    }
}

//! The links of the documents lead somewhere.

use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn links_lead_to_files_and_headings() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    // A package of the library alone lacks most of what they lead to.
    if !root.join("cli").exists() {
        return;
    }
    let mut documents = Vec::new();
    find_documents(root, &mut documents);
    let mut followed = 0;
    for document in documents {
        for link in links(&prose(&document)) {
            let (path, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target = match path {
                "" => document.clone(),
                _ => document.parent().expect("a folder").join(path),
            };
            let place = format!("{}: {link}", document.display());
            assert!(target.exists(), "{place}");
            if !anchor.is_empty() {
                let headings = anchors(&prose(&target));
                assert!(headings.iter().any(|each| each == anchor), "{place}");
            }
            followed += 1;
        }
    }
    assert!(followed > 50, "{followed}");
}

fn find_documents(folder: &Path, documents: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("it can be listed") {
        let path = entry.expect("it can be listed").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let is_made = ["target", "build", "dist", "node_modules"]
            .contains(&name.as_ref());
        if path.is_dir() && !is_made && !name.starts_with('.') {
            find_documents(&path, documents);
        } else if name.ends_with(".md") {
            documents.push(path);
        }
    }
}

/// The document without its fenced blocks.
fn prose(document: &Path) -> String {
    let text = fs::read_to_string(document).expect("documents are UTF-8");
    let mut is_fenced = false;
    let mut prose = String::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            is_fenced = !is_fenced;
        } else if !is_fenced {
            prose += line;
            prose.push('\n');
        }
    }
    prose
}

/// Where the links lead that stay in the repository.
fn links(prose: &str) -> Vec<String> {
    let targets = prose.split("](").skip(1);
    targets
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target.to_owned())
        .filter(|target| !target.contains("://"))
        .collect()
}

/// The headings as a link names them.
fn anchors(prose: &str) -> Vec<String> {
    let headings = prose.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|heading| {
            heading
                .trim_start_matches('#')
                .trim()
                .to_lowercase()
                .chars()
                .filter(|c| c.is_alphanumeric() || " -_".contains(*c))
                .map(|c| if c == ' ' { '-' } else { c })
                .collect()
        })
        .collect()
}

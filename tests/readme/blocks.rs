//! The fenced blocks of a page, with the section they stand in.
//! Not here: which of them are run.

#[derive(Clone, Debug)]
pub(crate) struct Block {
    /// The heading of level two above it.
    pub(crate) section: String,
    pub(crate) language: String,
    /// Without the fences; ends with a line break.
    pub(crate) text: String,
}

pub(crate) fn blocks(page: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut section = String::new();
    let mut open: Option<Block> = None;
    for line in page.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(language)) => {
                let language = language.to_owned();
                open = Some(Block { section: section.clone(), language, text: String::new() });
            }
            (Some(_), Some(_)) => found.extend(open.take()),
            (Some(block), None) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, None) => {
                if let Some(heading) = line.strip_prefix("## ") {
                    section = heading.to_owned();
                }
            }
        }
    }
    assert!(open.is_none(), "a block is never closed");
    found
}

/// The files of settings in a block: the block itself, or what a shell block writes with `<<'END'`.
pub(crate) fn settings_within(block: &Block) -> Vec<String> {
    match block.language.as_str() {
        "toml" => vec![block.text.clone()],
        "sh" => block
            .text
            .split("<<'END'\n")
            .skip(1)
            .filter_map(|it| it.split("\nEND\n").next())
            .map(str::to_owned)
            .collect(),
        _ => Vec::new(),
    }
}

#[test]
fn blocks_are_found_with_their_section_and_their_files() {
    let page = "## A\n```sh\ncat > x <<'END'\n[log]\nEND\nrun\n```\n## B\n```toml\n[kafka]\n```\n";
    let found = blocks(page);
    let sections: Vec<&str> = found.iter().map(|it| it.section.as_str()).collect();
    assert_eq!(sections, ["A", "B"]);
    let files: Vec<String> = found.iter().flat_map(settings_within).collect();
    assert_eq!(files, ["[log]", "[kafka]\n"]);
}

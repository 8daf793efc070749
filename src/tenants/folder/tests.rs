//! What two looks make of files that are written, swapped, emptied and taken away.
//! Not here: what the files say.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test panics on purpose")]

use super::*;
use std::fs;
use std::path::Path;
use std::time::Instant;
use tempfile::TempDir;

fn folder(files: &[(&str, &str)]) -> (TempDir, Folder) {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(dir.path().join(name), text).unwrap();
    }
    let mut folder = Folder::new(dir.path().to_owned());
    assert_eq!(folder.look(), Look::Settling);
    let read = changed(&mut folder);
    folder.taken(&read.sources);
    assert_eq!(folder.look(), Look::Same);
    (dir, folder)
}

fn changed(folder: &mut Folder) -> Read {
    match folder.look() {
        Look::Changed(read) => read,
        other => panic!("{other:?}"),
    }
}

fn two_looks(folder: &mut Folder) -> Read {
    assert_eq!(folder.look(), Look::Settling);
    changed(folder)
}

fn names(read: &Read) -> Vec<String> {
    let name = |it: &SourceText| Path::new(&it.name).file_name().unwrap().to_string_lossy().into_owned();
    read.sources.iter().map(name).collect()
}

#[test]
fn a_change_counts_when_two_looks_in_a_row_find_the_same() {
    let (dir, mut folder) = folder(&[("a.toml", "one")]);
    let path = dir.path().join("a.toml");
    fs::write(&path, "two, half").unwrap();
    assert_eq!(folder.look(), Look::Settling);
    fs::write(&path, "two, half and whole").unwrap();
    assert_eq!(folder.look(), Look::Settling, "it was written to between the looks");
    let read = changed(&mut folder);
    assert_eq!(read.sources.first().unwrap().text, "two, half and whole");
    assert_eq!(folder.look(), Look::Same);
}

#[test]
fn files_that_come_go_and_are_swapped_are_seen_and_others_are_not() {
    let (dir, mut folder) = folder(&[("a.toml", "one"), ("b.toml", "two")]);
    fs::write(dir.path().join(".c.toml"), "an editor's").unwrap();
    fs::write(dir.path().join("README.md"), "words").unwrap();
    assert_eq!(folder.look(), Look::Same);
    fs::write(dir.path().join("c.toml"), "three").unwrap();
    assert_eq!(names(&two_looks(&mut folder)), ["a.toml", "b.toml", "c.toml"]);
    fs::remove_file(dir.path().join("b.toml")).unwrap();
    assert_eq!(names(&two_looks(&mut folder)), ["a.toml", "c.toml"]);
    // The same size, and the time of the old one: only its place on disk tells.
    let old = fs::metadata(dir.path().join("a.toml")).unwrap().modified().unwrap();
    let new = dir.path().join("a.toml.new");
    fs::write(&new, "uno").unwrap();
    fs::File::options().append(true).open(&new).unwrap().set_modified(old).unwrap();
    fs::rename(&new, dir.path().join("a.toml")).unwrap();
    assert_eq!(two_looks(&mut folder).sources.first().unwrap().text, "uno");
}

#[test]
fn a_mounted_config_map_is_seen_when_its_link_is_turned() {
    let dir = tempfile::tempdir().unwrap();
    for (version, text) in [("..1", "one"), ("..2", "two")] {
        fs::create_dir(dir.path().join(version)).unwrap();
        fs::write(dir.path().join(version).join("a.toml"), text).unwrap();
    }
    let link = |to: &str, name: &str| std::os::unix::fs::symlink(to, dir.path().join(name)).unwrap();
    link("..1", "..data");
    link("..data/a.toml", "a.toml");
    let mut folder = Folder::new(dir.path().to_owned());
    assert_eq!(two_looks(&mut folder).sources.first().unwrap().text, "one");
    link("..2", "..data_tmp");
    fs::rename(dir.path().join("..data_tmp"), dir.path().join("..data")).unwrap();
    assert_eq!(two_looks(&mut folder).sources.first().unwrap().text, "two");
}

#[test]
fn what_vanished_or_was_emptied_is_a_fault_and_what_was_deleted_is_not() {
    let (dir, mut folder) = folder(&[("a.toml", "one"), ("b.toml", "two")]);
    fs::write(dir.path().join("a.toml"), "").unwrap();
    let read = two_looks(&mut folder);
    assert!(read.faults.first().unwrap().to_string().contains("a.toml: tenants: is empty and was not before; write"));
    assert_eq!(folder.look(), Look::Same, "one change, one fault");
    fs::remove_file(dir.path().join("a.toml")).unwrap();
    let read = two_looks(&mut folder);
    assert!(read.faults.is_empty());
    folder.taken(&read.sources);
    fs::remove_file(dir.path().join("b.toml")).unwrap();
    let read = two_looks(&mut folder);
    assert!(read.faults.first().unwrap().to_string().contains("holds no file of tenants any more; put the files back"));
    let moved = dir.path().with_extension("moved");
    fs::rename(dir.path(), &moved).unwrap();
    let read = two_looks(&mut folder);
    assert!(read.faults.first().unwrap().to_string().contains("tenants: cannot be read: "));
    fs::rename(&moved, dir.path()).unwrap();
    fs::write(dir.path().join("b.toml"), "two").unwrap();
    assert_eq!(names(&two_looks(&mut folder)), ["b.toml"]);
}

#[test]
fn a_folder_of_ten_thousand_files_is_looked_at_in_a_moment() {
    let dir = tempfile::tempdir().unwrap();
    for number in 0..10_000 {
        fs::write(dir.path().join(format!("{number}.toml")), "x").unwrap();
    }
    let mut folder = Folder::new(dir.path().to_owned());
    assert_eq!(two_looks(&mut folder).sources.len(), 10_000);
    let started = Instant::now();
    assert_eq!(folder.look(), Look::Same);
    assert!(started.elapsed().as_secs() < 5, "{:?}", started.elapsed());
}

//! "Did you mean …": the known name nearest to one that is not known.
//! Not here: what to do about it.

/// The nearest of `known`, if it is near enough that a typing mistake explains it.
pub(super) fn nearest<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    // Long names are cut: the distance costs the product of both lengths, and no known name is that long.
    let name: String = name.chars().take(64).flat_map(char::to_lowercase).collect();
    let bare = |it: &str| it.replace(['_', '-', '.'], "");
    let distance = |it: &str| strsim::osa_distance(&bare(&name), &bare(it));
    let allowed = |it: &str| (it.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|it| (distance(it), it))
        .filter(|(far, it)| *far <= allowed(it) || it.starts_with(&name) && name.len() >= 3)
        .min_by_key(|(far, _)| *far)
        .map(|(_, it)| it)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_mistake_finds_its_key() {
        let known = ["bootstrap_servers", "topic_prefix", "partitions"];
        assert_eq!(nearest("partitons", known), Some("partitions"));
        assert_eq!(nearest("bootstrap.servers", known), Some("bootstrap_servers"));
        assert_eq!(nearest("topicPrefix", known), Some("topic_prefix"));
        assert_eq!(nearest("bootstrap", known), Some("bootstrap_servers"));
    }

    #[test]
    fn a_strange_word_finds_nothing() {
        assert_eq!(nearest("colour", ["bootstrap_servers", "dir", "kind"]), None);
        assert_eq!(nearest("", ["dir"]), None);
    }
}

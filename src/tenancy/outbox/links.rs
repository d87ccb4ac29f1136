//! The links in a mail's text. Only those to this very site become links of the page, and as paths:
//! the rest of a mail may hold what others typed.

use crate::base::http::local_path;

/// A piece of text, and where it leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// As it is in the mail.
    pub text: String,
    /// A path of this site.
    pub href: Option<String>,
}

fn plain(text: &str) -> Piece {
    Piece { text: text.to_owned(), href: None }
}

/// Takes a text apart at the links to `site` (the base URL without a slash at its end).
pub fn pieces(text: &str, site: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, link, after)) = next_link(rest, site) {
        pieces.push(plain(before));
        let href = link.strip_prefix(site).and_then(local_path);
        pieces.push(Piece { text: link.to_owned(), href });
        rest = after;
    }
    pieces.push(plain(rest));
    pieces.retain(|piece| !piece.text.is_empty());
    pieces
}

/// The first link to `site`, with the text before and behind it.
fn next_link<'a>(text: &'a str, site: &str) -> Option<(&'a str, &'a str, &'a str)> {
    let start = format!("{site}/");
    let (before, from) = text.split_at_checked(text.find(&start)?)?;
    let ends = |c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | '”' | '’' | '(' | ')');
    let (link, _) = from.split_at_checked(from.find(ends).unwrap_or(from.len()))?;
    let link = link.trim_end_matches(['.', ',', ';', ':', '!', '?']);
    Some((before, link, from.get(link.len()..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SITE: &str = "http://localhost:4280";

    fn links(text: &str) -> Vec<Option<String>> {
        pieces(text, SITE)
            .into_iter()
            .filter(|p| p.text.starts_with("http"))
            .map(|p| p.href)
            .collect()
    }

    #[test]
    fn links_of_this_site_become_paths() {
        let text =
            "Open http://localhost:4280/verify-email/abc. Or http://localhost:4280/?a=1\nBye";
        assert_eq!(links(text), [Some("/verify-email/abc".to_owned()), Some("/?a=1".to_owned())]);
        let whole: String = pieces(text, SITE).into_iter().map(|piece| piece.text).collect();
        assert_eq!(whole, text);
    }

    #[test]
    fn links_elsewhere_stay_text() {
        for text in [
            "http://localhost:42800/x",
            "http://localhost:4280.evil.example/x",
            "http://localhost:4280@evil.example/x",
            "https://evil.example/http",
            "http://localhost:4280//evil.example/x",
            "http://localhost:4280/\\evil.example",
        ] {
            assert!(links(text).iter().all(Option::is_none), "{text}");
        }
    }
}

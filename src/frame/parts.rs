//! What pages have in common, each compiled once: what a layout or a macro writes itself is compiled again wherever
//! it stands.

use askama::Template;
use askama::filters::HtmlSafe;

use super::Shell;
use crate::base::text::When;
use crate::base::zone::Zone;

/// What stands beside a page of somebody who is signed in.
#[derive(Template)]
#[template(path = "layouts/side.html")]
pub struct Side<'a> {
    shell: &'a Shell,
}

/// [`Side`], as layouts ask for it.
pub fn side(shell: &Shell) -> Side<'_> {
    Side { shell }
}

/// What stands above a page of somebody who is signed in: what just happened, and what is about to.
#[derive(Template)]
#[template(path = "layouts/above.html")]
pub struct Above<'a> {
    shell: &'a Shell,
}

/// [`Above`], as layouts ask for it.
pub fn above(shell: &Shell) -> Above<'_> {
    Above { shell }
}

/// What stands below a page of signing in.
#[derive(Template)]
#[template(path = "layouts/foot.html")]
pub struct Foot<'a> {
    shell: &'a Shell,
}

/// [`Foot`], as layouts ask for it.
pub fn foot(shell: &Shell) -> Foot<'_> {
    Foot { shell }
}

/// The files that every page loads.
#[derive(Template)]
#[template(path = "layouts/assets.html")]
pub struct Assets;

/// An icon of `static/icons.svg`.
#[derive(Template)]
#[template(path = "components/icon.html")]
pub struct Icon<'a> {
    name: &'a str,
    class: &'static str,
}

/// An icon before its words.
pub fn icon(name: &str) -> Icon<'_> {
    Icon { name, class: "i" }
}

/// An icon at the end of its row.
pub fn icon_end(name: &str) -> Icon<'_> {
    Icon { name, class: "i end" }
}

/// A moment by somebody's clock, UTC in the title.
#[derive(Template)]
#[template(path = "components/moment.html")]
pub struct Moment {
    iso: String,
    title: String,
    text: String,
}

/// A moment as a list or a sentence says it.
pub fn when(when: &When, zone: &Zone) -> Moment {
    Moment { iso: when.iso(), title: when.title(zone), text: when.text(zone) }
}

/// A moment with the date and the time of day.
pub fn full(when: &When, zone: &Zone) -> Moment {
    Moment { iso: when.iso(), title: when.title(zone), text: when.full(zone) }
}

/// They are pages' text, so nothing in them is escaped again.
impl HtmlSafe for Side<'_> {}
impl HtmlSafe for Above<'_> {}
impl HtmlSafe for Foot<'_> {}
impl HtmlSafe for Assets {}
impl HtmlSafe for Icon<'_> {}
impl HtmlSafe for Moment {}

//! Which addresses are answered: patterns whose parts in braces stand for one segment of a path.
//!
//! A segment is ASCII, as every id, handle and token is. A pattern that takes any letter (the usual one) is
//! compiled to three times the memory, in each thread.

use std::rc::Rc;

use actix_web::{HttpMessage, HttpRequest, Resource, Scope, web};

/// Printable ASCII but for the slash.
const SEGMENT: &str = ":[!-.0-~]+";

/// What actix takes for a segment unless told.
const ANY_SEGMENT: &str = ":[^/]+";

/// The answers of an address: `/workspaces/{account}/{workspace}`. A part with an expression of its own keeps
/// it: `{name:[^/]+}`.
pub fn resource(path: impl AsRef<str>) -> Resource {
    web::resource(pattern(path.as_ref()))
}

/// The answers of several addresses.
pub fn resources<const N: usize>(paths: [impl AsRef<str>; N]) -> Resource {
    web::resource(paths.map(|path| pattern(path.as_ref())).to_vec())
}

/// Everything below an address.
pub fn scope(path: &str) -> Scope {
    web::scope(&pattern(path))
}

fn pattern(path: &str) -> String {
    let mut parts = path.split('{');
    let mut pattern = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        pattern.push('{');
        match part.split_once('}') {
            Some((name, rest)) if !name.contains(':') => {
                pattern.extend([name, SEGMENT, "}", rest]);
            }
            _ => pattern.push_str(part),
        }
    }
    pattern
}

/// A pattern as people write it, without the expressions of plain segments.
pub fn plain(pattern: &str) -> String {
    pattern.replace(SEGMENT, "").replace(ANY_SEGMENT, "")
}

/// The pattern of the route that a request takes; what has no route has none. Finding it costs a walk
/// through all routes, so the request keeps it.
pub fn route_of(req: &HttpRequest) -> Option<Rc<str>> {
    let found = req.extensions().get::<Route>().map(|route| route.0.clone());
    found.unwrap_or_else(|| {
        let route: Option<Rc<str>> = req.match_pattern().map(|pattern| plain(&pattern).into());
        req.extensions_mut().insert(Route(route.clone()));
        route
    })
}

struct Route(Option<Rc<str>>);

#[cfg(test)]
mod tests {
    use super::{pattern, plain};

    #[test]
    fn parts_in_braces_stand_for_a_segment() {
        assert_eq!(pattern("/health"), "/health");
        assert_eq!(pattern("/a/{b}/c/{d}"), "/a/{b:[!-.0-~]+}/c/{d:[!-.0-~]+}");
        assert_eq!(pattern("/flows/name/{name:[^/]+}"), "/flows/name/{name:[^/]+}");
        assert_eq!(plain(&pattern("/a/{b}/{c:[^/]+}/{d:.*}")), "/a/{b}/{c}/{d:.*}");
    }
}

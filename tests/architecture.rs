//! What the folders promise: imports go one way, and so on. Reads the source.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn files_below(folder: &str, ending: &str) -> Vec<PathBuf> {
    fn walk(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, ending, found);
            } else if path.extension().is_some_and(|known| known == ending) {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), ending, &mut found);
    found.sort();
    found
}

fn name(path: &Path) -> String {
    path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap().display().to_string()
}

/// The modules of this crate that a file names with `crate::…`, as paths of up to two parts.
fn uses(text: &str) -> BTreeSet<(String, String)> {
    let code: String = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n");
    code.split("crate::")
        .skip(1)
        .map(|rest| {
            let mut parts = rest.split("::").map(|part| {
                part.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>()
            });
            (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
        })
        .collect()
}

/// What knows nothing of the product uses nothing of the crate but itself. `urls`, which the frame of every page
/// needs, knows how things are addressed, and nobody who has them.
#[test]
fn the_base_stands_alone() {
    let mut files = files_below("src/base", "rs");
    files.push(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/urls.rs"));
    for file in files {
        for (used, _) in uses(&fs::read_to_string(&file).unwrap()) {
            assert!(used == "base", "{} uses crate::{used}", name(&file));
        }
    }
}

/// base ← frame ← access ← tenancy ← orchestration ← server and the command line.
#[test]
fn imports_go_one_way() {
    let layers = ["base", "frame", "access", "tenancy", "orchestration"];
    for (rank, layer) in layers.iter().enumerate() {
        if !Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(layer).exists() {
            continue;
        }
        for file in files_below(&format!("src/{layer}"), "rs") {
            for (used, _) in uses(&fs::read_to_string(&file).unwrap()) {
                let above =
                    layers.iter().position(|known| *known == used).is_some_and(|used| used > rank);
                let is_outer =
                    ["server", "slices", "worker", "start", "cli"].contains(&used.as_str());
                assert!(
                    !above && !is_outer,
                    "{} uses crate::{used}: {layer} must not",
                    name(&file)
                );
            }
        }
    }
}

/// Within tenancy each slice stands on the ones before it.
#[test]
fn slices_stand_on_earlier_ones() {
    let order = [
        "audit",
        "accounts",
        "invitations",
        "organizations",
        "impacts",
        "workspaces",
        "collaborators",
        "api_keys",
        "roles",
        "service_accounts",
        "sharing",
        "transfers",
        "closing",
        "outbox",
    ];
    for file in files_below("src/tenancy", "rs") {
        let path = name(&file);
        let Some(slice) = path.split('/').nth(2).filter(|part| !part.contains('.')) else {
            continue;
        };
        let rank = order.iter().position(|known| *known == slice);
        let rank = rank.unwrap_or_else(|| panic!("{slice} has no place in the order of slices"));
        for (first, used) in uses(&fs::read_to_string(&file).unwrap()) {
            let used_rank = order.iter().position(|known| *known == used);
            let is_later = first == "tenancy" && used_rank.is_some_and(|used| used > rank);
            assert!(!is_later, "{path} uses {used}, which comes after {slice}");
        }
    }
}

/// Within orchestration each part stands on the ones before it.
#[test]
fn parts_of_orchestration_stand_on_earlier_ones() {
    let order = [
        "ageing",
        "part",
        "deletion",
        "states",
        "schedules",
        "wire",
        "which",
        "period",
        "view",
        "rows",
        "logs",
        "events",
        "concurrency",
        "saved_searches",
        "task_runs",
        "intake",
        "flow_runs",
        "deployments",
        "flows",
        "retention",
        "dashboard",
        "live",
        "links",
    ];
    let rank = |part: &str| {
        let rank = order.iter().position(|known| *known == part);
        rank.unwrap_or_else(|| panic!("{part} has no place in the order"))
    };
    for file in files_below("src/orchestration", "rs") {
        let path = name(&file);
        let part = path.split('/').nth(2).unwrap().trim_end_matches(".rs").to_owned();
        if part == "mod" {
            continue;
        }
        for (first, used) in uses(&fs::read_to_string(&file).unwrap()) {
            let is_later = first == "orchestration" && rank(&used) > rank(&part);
            assert!(!is_later, "{path} uses {used}, which comes after {part}");
        }
    }
    for file in files_below("src/orchestration/states", "rs") {
        let text = fs::read_to_string(&file).unwrap();
        for other in ["diesel", "actix", "crate::access", "crate::app"] {
            assert!(!text.contains(other), "{} is pure, and knows {other}", name(&file));
        }
    }
}

/// The tables that a file imports from the schema.
fn tables(text: &str) -> BTreeSet<String> {
    assert!(!text.contains("schema::*") && !text.contains("::schema;"), "tables by their names");
    let lists = text.split("schema::").skip(1).map(|rest| match rest.strip_prefix('{') {
        Some(list) => list.split('}').next().unwrap(),
        None => rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap(),
    });
    let names =
        lists.flat_map(|list| list.split(',')).filter_map(|one| one.split_whitespace().next());
    names.map(str::to_owned).collect()
}

/// What goes through all that a workspace contains, and the tables that it may name: a kind of content
/// declares itself in its own slice.
const GO_THROUGH_ALL: &[(&str, &[&str])] = &[
    ("src/access/contents.rs", &[]),
    ("src/tenancy/workspaces/contents.rs", &["workspace_redirects"]),
    ("src/tenancy/workspaces/actions/purge.rs", &[]),
    ("src/orchestration/retention.rs", &["accounts", "organizations", "transfers", "workspaces"]),
];

/// Whoever adds a kind of content need not touch what counts, purges and ages all of them.
#[test]
fn kinds_of_content_declare_themselves() {
    for (path, may_name) in GO_THROUGH_ALL {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
        for table in tables(&text) {
            assert!(may_name.contains(&table.as_str()), "{path} names {table} of another slice");
        }
    }
}

/// Pages and endpoints know no database, queries and rules no web.
#[test]
fn file_names_keep_their_word() {
    for file in files_below("src", "rs") {
        let path = name(&file);
        let text = fs::read_to_string(&file).unwrap();
        let is = |part: &str| {
            path.ends_with(&format!("/{part}.rs")) || path.contains(&format!("/{part}/"))
        };
        if (is("pages") || is("api") || is("forms")) && path.starts_with("src/tenancy") {
            assert!(!text.contains("use diesel"), "{path} uses diesel");
        }
        if is("queries") || is("rules") || is("model") {
            assert!(!text.contains("use actix"), "{path} uses actix");
            assert!(!text.contains("askama"), "{path} uses askama");
        }
        if is("queries") {
            for swallowed in [".ok()", "unwrap_or_default()"] {
                assert!(!text.contains(swallowed), "{path} swallows errors with {swallowed}");
            }
        }
    }
}

/// Functions that read runs, their states, lines or events whether a transfer hides them or not.
const READ_ALL: &[(&str, &[&str])] = &[
    // Only within a run that is to be seen.
    ("orchestration/rows/flow_runs/listing.rs", &["tasks_of"]),
    ("orchestration/rows/flow_runs/graph.rs", &["nodes"]),
    ("orchestration/rows/flow_runs/queries.rs", &["children"]),
    ("orchestration/logs/queries.rs", &["of"]),
    ("orchestration/rows/task_runs/queries.rs", &["id_of_keys"]),
    // Only what has not ended, which nothing hides.
    ("orchestration/rows/flow_runs/queries.rs", &["open_children"]),
    ("orchestration/rows/task_runs/queries.rs", &["open_in"]),
    ("tenancy/impacts/queries.rs", &["active_runs", "due_runs"]),
    ("tenancy/transfers/queries/mod.rs", &["going_on", "is_busy"]),
    // A key is taken also by a run that is hidden, and a flow with hidden runs stays.
    ("orchestration/rows/flow_runs/queries.rs", &["of_key"]),
    ("orchestration/rows/flows/queries.rs", &["some_runs", "has_hidden_runs"]),
    // What is hidden itself, and what is told of it.
    ("orchestration/rows/task_runs/queries.rs", &["is_hidden"]),
    ("orchestration/logs/queries.rs", &["hidden"]),
    // Which event of a shown run of a task follows which.
    ("orchestration/events/queries.rs", &["links_of_things", "by_ids"]),
    // What goes for good.
    ("orchestration/flow_runs/leftovers.rs", &["with_lines"]),
    ("orchestration/flow_runs/ageing.rs", &["ended"]),
    ("orchestration/logs/ageing.rs", &["strays"]),
    // The transfer itself.
    ("tenancy/transfers/queries/facts.rs", &["removal", "hidden"]),
    ("tenancy/transfers/queries/removed.rs", &["removed_runs"]),
    ("tenancy/transfers/queries/moves.rs", &["has_changed"]),
];

/// Functions that read these tables in all workspaces at once: what is due, or kept no longer.
const READ_EVERYWHERE: &[(&str, &[&str])] = &[
    ("orchestration/flow_runs/expiry.rs", &["some"]),
    ("orchestration/concurrency/expiry.rs", &["ended", "forgotten"]),
    ("orchestration/events/ageing.rs", &["is_due"]),
    ("orchestration/flow_runs/ageing.rs", &["is_due"]),
    ("orchestration/logs/ageing.rs", &["is_due"]),
    ("orchestration/task_runs/ageing.rs", &["is_due"]),
];

/// SP-27: runs, their states, lines and events are read through `access/history.rs`: `shown`, which leaves out what a
/// transfer hides, or `all` where that is listed.
#[test]
fn reads_of_runs_leave_out_what_is_hidden() {
    const TABLES: [&str; 6] =
        ["flow_runs", "task_runs", "flow_run_states", "task_run_states", "logs", "events"];
    let names_table = |body: &str| {
        TABLES.iter().any(|table| {
            body.match_indices(&format!("{table}::table")).any(|(at, found)| {
                let (before, after) = (&body[..at], &body[at + found.len()..]);
                let is_whole = !before.ends_with(|c: char| c.is_alphanumeric() || c == '_');
                let is_type = after.starts_with([',', '>']);
                let writes = ["insert_into(", "diesel::update(", "diesel::delete("];
                is_whole && !is_type && !writes.iter().any(|write| before.ends_with(write))
            })
        })
    };
    let reads_all = |body: &str| {
        let removes = body.contains("diesel::delete(");
        TABLES.iter().any(|table| body.contains(&format!("all::{table}("))) && !removes
    };
    let is_blind = |body: &str| {
        TABLES.iter().any(|table| body.contains(&format!("FROM {table} ")))
            && !body.contains("visible_from")
    };
    let listed = |list: &[(&str, &[&str])], path: &str, named: &str| {
        list.iter().any(|(file, functions)| path.ends_with(file) && functions.contains(&named))
    };
    let mut known = 0;
    for file in files_below("src", "rs") {
        let path = name(&file);
        if path == "src/access/history.rs" {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        let code: Vec<&str> =
            text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        for function in code.join("\n").split("\nfn ").flat_map(|part| part.split(" fn ")) {
            let named: String =
                function.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            let everywhere = listed(READ_EVERYWHERE, &path, &named);
            let all = listed(READ_ALL, &path, &named);
            known += usize::from(everywhere || all);
            assert!(!names_table(function) || everywhere, "{path}: {named} names a bare table");
            assert!(!reads_all(function) || all, "{path}: {named} reads what a transfer hides");
            assert!(!is_blind(function), "{path}: {named} reads what a transfer hides");
        }
    }
    let listed = READ_ALL.iter().chain(READ_EVERYWHERE).map(|(_, functions)| functions.len());
    assert_eq!(known, listed.sum::<usize>(), "what is no more is to be taken off the lists");
}

/// What writes without a proof of a right in a workspace, an organization or an account, and why there is none.
const WITHOUT_A_PROOF: &[(&str, &str)] = &[
    ("tenancy/accounts/actions/", "a person's own account, signing up and in, mailed links"),
    ("tenancy/accounts/jobs.rs", "a job"),
    ("tenancy/api_keys/actions.rs", "a person's own keys"),
    ("tenancy/api_keys/jobs.rs", "a job"),
    ("tenancy/audit/record.rs", "what was refused: there is no right to it"),
    ("tenancy/audit/retention.rs", "a job"),
    ("tenancy/audit/visits.rs", "notes a visit after its answer"),
    ("tenancy/closing/", "a person's own account, and a job"),
    ("tenancy/invitations/actions/accept.rs", "the invitation is the right, and is judged inside"),
    ("tenancy/invitations/actions/answer.rs", "an invitation"),
    ("tenancy/invitations/actions/join.rs", "an invitation"),
    ("tenancy/invitations/jobs.rs", "a job"),
    ("tenancy/organizations/actions/mod.rs", "whoever is signed in makes an organization"),
    ("tenancy/service_accounts/jobs.rs", "a job"),
    ("tenancy/sharing/jobs.rs", "a job"),
    (
        "tenancy/transfers/actions/answer.rs",
        "two accounts: who decides over which is judged inside",
    ),
    ("tenancy/transfers/actions/operator.rs", "a command of the operator"),
    ("tenancy/transfers/actions/undo.rs", "two accounts, again"),
    ("tenancy/transfers/jobs.rs", "a job"),
    ("tenancy/workspaces/actions/purge.rs", "a job"),
    ("tenancy/workspaces/actions/restore.rs", "a job; who decides over the account has a verb"),
    ("/intake/keep.rs", "a socket asks every three seconds instead"),
    ("/expiry.rs", "a job"),
    ("/leftovers.rs", "what follows a change that was judged"),
    ("/ageing.rs", "a job"),
    ("/retention.rs", "a job"),
];

/// AZ-08: who holds a proof writes by its verbs, which ask again inside the transaction; nothing else does but
/// what is listed.
#[test]
fn whoever_holds_a_proof_writes_by_it() {
    let proofs = ["WorkspaceAccess<", "OrganizationAccess<", "AccountAccess<", "MayInvite"];
    let mut found = BTreeSet::new();
    for file in ["src/tenancy", "src/orchestration"].iter().flat_map(|of| files_below(of, "rs")) {
        let (path, text) = (name(&file), fs::read_to_string(&file).unwrap());
        let code: Vec<&str> =
            text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        for function in code.join("\n").split("fn ").skip(1) {
            let dense: String = function.split_whitespace().collect();
            let writes = ["db.write(", "db.ingest(", "in_transaction("];
            if !writes.iter().any(|write| dense.contains(write)) {
                continue;
            }
            let known = WITHOUT_A_PROOF.iter().find(|(part, _)| path.contains(part));
            let (known, _) = known.unwrap_or_else(|| panic!("{path} writes without a proof"));
            let holds = proofs.iter().find(|proof| function.contains(*proof));
            assert!(holds.is_none(), "{path} holds a {holds:?}, and writes without it");
            found.insert(*known);
        }
    }
    let listed = WITHOUT_A_PROOF.iter().map(|(part, _)| *part);
    assert_eq!(found, listed.collect(), "what is no more is to be taken off the list");
}

/// The words of a column stand in its enum alone.
#[test]
fn states_and_kinds_are_compared_as_enums() {
    for file in files_below("src", "rs") {
        let dense: String = fs::read_to_string(&file).unwrap().split_whitespace().collect();
        for column in ["state", "state_type", "kind", "role", "organization_role"] {
            for literal in ["eq(\"", "ne(\"", "eq_any([\"", "ne_all([\""] {
                let found = format!("::{column}.{literal}");
                assert!(!dense.contains(&found), "{}: use the enum of {column}", name(&file));
            }
        }
    }
}

/// The ids of rules in a comment: `IV-10`, `SP-27`, `T11`.
fn ids_in(comment: &str) -> Vec<&str> {
    const LONG: [&str; 17] = [
        "AU", "SE", "BR", "AZ", "IN", "AK", "EM", "IV", "CF", "LG", "WS", "SP", "ALL", "DEP",
        "SCH", "LIM", "A",
    ];
    let is_number =
        |text: &str| (1..=2).contains(&text.len()) && text.chars().all(|c| c.is_ascii_digit());
    let is_id = |word: &&str| match word.split_once('-') {
        Some((kind @ ("D" | "F"), number)) => !kind.is_empty() && is_number(number),
        Some((kind, number)) => LONG.contains(&kind) && is_number(number),
        None => word
            .split_at_checked(1)
            .is_some_and(|(kind, number)| "WLCGBHORAUNTI".contains(kind) && is_number(number)),
    };
    let words =
        comment.split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '.' && c != '_');
    words.map(|word| word.trim_end_matches('.')).filter(is_id).collect()
}

/// Every rule that a comment cites can be read in `docs/requirements.md`.
#[test]
fn cited_rules_are_written_down() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("docs/requirements.md")).unwrap();
    let mut cited = 0;
    for file in ["src", "tests"].iter().flat_map(|folder| files_below(folder, "rs")) {
        let text = fs::read_to_string(&file).unwrap();
        let comments =
            text.lines().filter_map(|line| line.split_once("//").map(|(_, words)| words));
        for id in comments.flat_map(ids_in) {
            cited += 1;
            let is_known = page.contains(&format!("- **{id}** "));
            assert!(is_known, "{}: {id} is not in docs/requirements.md", name(&file));
        }
    }
    assert!(cited > 500, "{cited}");
}

/// BR-03: the API's document knows a type by its bare name, so two of one name would be told as one.
#[test]
fn every_type_of_the_api_has_a_name_of_its_own() {
    let mut known = BTreeSet::new();
    for file in files_below("src", "rs") {
        let text = fs::read_to_string(&file).unwrap();
        for rest in text.split("ToSchema)]").skip(1) {
            let words = ["struct ", "enum "].iter().filter_map(|word| rest.split_once(word));
            let (_, rest) = words.min_by_key(|(before, _)| before.len()).unwrap();
            let ident: String = rest.chars().take_while(|c| c.is_alphanumeric()).collect();
            assert!(known.insert(ident.clone()), "{}: another {ident}", name(&file));
        }
    }
    assert!(known.len() > 40, "{known:?}");
}

/// Every template is used, and none steps around escaping or the content security policy (D-16).
#[test]
fn templates_are_used_and_strict() {
    let code: String =
        files_below("src", "rs").iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    let templates: Vec<(String, String)> = ["html", "txt"]
        .iter()
        .flat_map(|ending| files_below("templates", ending))
        .map(|file| {
            let path = name(&file).trim_start_matches("templates/").to_owned();
            (path, fs::read_to_string(&file).unwrap())
        })
        .collect();
    let all: String = templates.iter().map(|(_, text)| text.as_str()).collect();
    for (path, text) in &templates {
        let quoted = format!("\"{path}\"");
        assert!(code.contains(&quoted) || all.contains(&quoted), "{path} is used by nothing");
        let is_mail = path.contains("/mail") || path.ends_with("mail.html");
        for banned in
            ["|safe", "| safe", "<script>", "onclick=", "onchange=", "onsubmit=", "onload="]
        {
            assert!(!text.contains(banned), "{path} has {banned}");
        }
        assert!(is_mail || !text.contains("style=\""), "{path} has an inline style");
    }
}

/// CF-15: versions without known holes.
#[test]
fn the_lock_file_holds_the_minimum_versions() {
    let lock =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.lock")).unwrap();
    for (package, least) in
        [("diesel", [2, 3, 10]), ("lettre", [0, 11, 22]), ("h2", [0, 4, 16]), ("time", [0, 3, 47])]
    {
        let marker = format!("name = \"{package}\"\nversion = \"");
        for found in lock.split(&marker).skip(1) {
            let version: Vec<u64> = found
                .split('"')
                .next()
                .unwrap()
                .split('.')
                .map(|part| part.parse().unwrap())
                .collect();
            assert!(
                version.as_slice() >= &least[..],
                "{package} {version:?} is older than {least:?}"
            );
        }
    }
    for absent in ["aws-lc-sys", "native-tls"] {
        assert!(!lock.contains(&format!("name = \"{absent}\"\n")), "{absent} came in");
    }
}

/// CF-14, BR-12: no unsafe code; the script touches text only.
#[test]
fn the_script_touches_text_only() {
    for file in files_below("static", "js") {
        let text = fs::read_to_string(&file).unwrap();
        for banned in [
            "innerHTML",
            "outerHTML",
            "insertAdjacent",
            "eval(",
            "Function(",
            "localStorage",
            "document.write",
        ] {
            assert!(!text.contains(banned), "{} has {banned}", name(&file));
        }
    }
}

//! A copy beside a running server.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use crate::support::{Home, is_postgres};

/// F-26: ten copies while people write; each opens, is whole, and holds what was acknowledged
/// before it was begun.
#[actix_rt::test]
async fn a_backup_is_whole_while_people_write() {
    if is_postgres() {
        return;
    }
    let mut home = Home::empty();
    let server = home.start().await;
    let ada = server.set_up("ada").await;
    let (stop, acknowledged) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
    let writer = actix_rt::spawn({
        let (stop, acknowledged) = (stop.clone(), acknowledged.clone());
        async move {
            while !stop.load(Ordering::Relaxed) {
                let next = acknowledged.load(Ordering::Relaxed) + 1;
                let name = format!("Ada {next}");
                ada.submit("/profile", &[("name", &name)]).await.assert_status(303);
                acknowledged.store(next, Ordering::Relaxed);
            }
        }
    });
    for round in 0..10 {
        let file = home.database.folder.path().join(format!("copy-{round}.db"));
        let before = acknowledged.load(Ordering::Relaxed);
        let ran = home.run_async(&["backup", file.to_str().unwrap()]).await;
        ran.assert_ok();
        let restored = Home::empty();
        std::fs::copy(&file, restored.file()).unwrap();
        crate::support::invariants::assert_hold(&restored.database.location);
        restored.run_async(&["audit", "verify"]).await.assert_ok();
        let name = crate::support::invariants::texts(
            &mut restored.connect(),
            "SELECT name AS text FROM accounts",
        );
        let number: u32 = name[0].rsplit(' ').next().unwrap().parse().unwrap_or(0);
        assert!(number >= before, "{name:?} after {before}");
    }
    stop.store(true, Ordering::Relaxed);
    writer.await.unwrap();
    assert!(acknowledged.load(Ordering::Relaxed) > 10, "there was little to copy");
}

/// F-26, D-24: a copy has its name only when it is whole, and is for its owner only all the while; one that fails
/// leaves nothing.
#[test]
fn a_copy_has_its_name_only_when_it_is_whole() {
    use std::os::unix::fs::PermissionsExt;
    if is_postgres() {
        return;
    }
    let mut home = Home::new();
    let folder = tempfile::TempDir::new().unwrap();
    let left = || std::fs::read_dir(folder.path()).unwrap().count();
    let file = folder.path().join("copy.db");
    let file = file.to_str().unwrap();
    home.run(&["backup", file]).assert_ok();
    assert_eq!(std::fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(left(), 1);
    std::fs::remove_file(file).unwrap();
    home.run(&["backup", &format!("{file}/nowhere.db")]).assert_refused("cannot be written");
    // No file may grow beyond 100 KiB, as on a disk that is full.
    let limit = "trap '' XFSZ; ulimit -f 100; exec \"$@\"";
    home.wrapper = ["sh", "-c", limit, "sh"].map(str::to_owned).to_vec();
    home.run(&["backup", file]).assert_refused("The copy failed");
    assert_eq!(left(), 0);
}

/// F-26: a restored copy serves, with the same sessions and links.
#[actix_rt::test]
async fn a_restored_backup_serves() {
    if is_postgres() {
        return;
    }
    let mut home = Home::empty();
    let mut server = home.start().await;
    let ada = server.set_up("ada").await;
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("copy.db");
    let said = home.run(&["backup", file.to_str().unwrap()]);
    assert!(said.assert_ok().out.contains("secret.key"), "{said:?}");
    home.run(&["backup", file.to_str().unwrap()]).assert_refused("exists already");
    server.stop();
    let key = home.database.folder.path().join("secret.key");
    for entry in std::fs::read_dir(home.database.folder.path()).unwrap() {
        let path = entry.unwrap().path();
        if path != key {
            std::fs::remove_file(path).unwrap();
        }
    }
    std::fs::copy(&file, home.file()).unwrap();
    let _server = home.start().await;
    ada.get("/profile").await.assert_status(200).shows("ada@example.org");
}

/// F-26: for PostgreSQL its own tool is named, and no password printed.
#[test]
fn for_postgres_the_tool_is_named() {
    if !is_postgres() {
        return;
    }
    let ran = Home::empty().run(&["backup", "copy.dump"]);
    assert!(ran.assert_ok().out.contains("pg_dump"), "{ran:?}");
}

//! Both databases have the same tables and columns, and they are those that the code names.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use bulkhead::base::db::schema;
use diesel::prelude::*;

use crate::support::spawn;

type Tables = BTreeMap<String, BTreeSet<String>>;

/// Tables and columns as the migrations of one database make them.
fn tables(database: &str) -> (Vec<String>, Tables) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(database);
    let mut names: Vec<String> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let mut tables = Tables::new();
    for name in &names {
        let sql = fs::read_to_string(folder.join(name).join("up.sql")).unwrap();
        for part in sql.split("CREATE TABLE ").skip(1) {
            let (table, rest) = part.split_once(" (\n").unwrap();
            let body = rest.split("\n)").next().unwrap();
            let columns = body
                .lines()
                .map(str::trim)
                .filter(|line| !line.starts_with("--") && !line.is_empty())
                .filter_map(|line| line.split_whitespace().next())
                .filter(|word| word.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
                .map(str::to_owned);
            tables.entry(table.to_owned()).or_default().extend(columns);
        }
    }
    (names, tables)
}

#[test]
fn both_databases_have_the_same_migrations_tables_and_columns() {
    let (sqlite, postgres) = (tables("sqlite"), tables("postgres"));
    assert_eq!(sqlite.0, postgres.0);
    assert_eq!(sqlite.1, postgres.1);
}

/// For each table: its name, and a query that names all columns that the code names.
macro_rules! queries {
    ($($table:ident),+ $(,)?) => {
        [$((stringify!($table), diesel::debug_query::<diesel::sqlite::Sqlite, _>(
            &schema::$table::table.select(schema::$table::all_columns)).to_string())),+]
    };
}

#[actix_rt::test]
async fn every_column_that_the_code_names_exists() {
    let app = spawn().await;
    let queries = queries!(
        instance,
        accounts,
        account_redirects,
        users,
        sessions,
        workspaces,
        workspace_redirects,
        memberships,
        mails,
        invitations,
        api_keys,
        failed_sign_ins,
        form_tokens,
        jobs,
        audit_heads,
        audit_entries,
        organizations,
        organization_members,
        two_factor,
        recovery_codes,
        transfers,
        transfer_grants,
        workspace_roles,
        service_accounts,
        service_account_keys,
        service_account_grants,
        flows,
        flow_runs,
        flow_run_states,
        logs,
        task_runs,
        task_run_states,
        events,
        flow_run_inputs,
        flow_run_leftovers,
        concurrency_limits,
        concurrency_leases,
        concurrency_holds,
        saved_searches,
        deployments,
        deployment_schedules,
    );
    let named: BTreeSet<&str> = queries.iter().map(|(table, _)| *table).collect();
    let texts: Vec<String> = queries
        .iter()
        .map(|(_, query)| query.split(" -- ").next().unwrap_or_default().replace('`', "\""))
        .collect();
    app.read(move |db| {
        for text in texts {
            diesel::sql_query(format!("{text} LIMIT 0")).execute(db)?;
        }
        Ok(())
    })
    .await;
    let (_, tables) = tables("sqlite");
    assert_eq!(named, tables.keys().map(String::as_str).collect());
}

/// Migrations run once, and a second time change nothing.
#[actix_rt::test]
async fn nothing_is_pending_after_the_migrations() {
    let app = spawn().await;
    let pending = app.read(|db| Ok(bulkhead::base::db::migrate::pending(db).unwrap())).await;
    assert_eq!(pending, Vec::<String>::new());
}

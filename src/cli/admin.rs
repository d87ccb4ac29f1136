//! `admin`: what only whoever has the shell may do.

use clap::Subcommand;
use diesel::prelude::*;
use serde_json::json;

use super::{CliError, beside, say};
use crate::access::email::EmailAddress;
use crate::access::handle::Handle;
use crate::access::identify::Verified;
use crate::app::App;
use crate::base::db::schema::{accounts, sessions, users};
use crate::base::db::{Db, Instant, Locks, Role, connect, in_transaction};
use crate::base::error::{Error, Result as AppResult};
use crate::base::mail;
use crate::base::secret::Purpose;
use crate::base::settings::Settings;
use crate::tenancy::accounts::actions::{create_user, remove_two_factor};
use crate::tenancy::accounts::model::{CreateProblem, DisplayName, NewUser};
use crate::tenancy::accounts::queries::{self, User};
use crate::tenancy::audit::{By, Entry, Event, record};
use crate::tenancy::transfers::actions::{Order, Ordered, by_operator};
use crate::urls;

/// Commands of the operator.
#[derive(Debug, Subcommand)]
pub enum Admin {
    /// Make an account and print the link where its password is chosen
    CreateUser {
        /// Display name
        #[arg(long)]
        name: String,
        /// Handle of the personal account
        #[arg(long)]
        handle: String,
        /// Address; counts as confirmed
        #[arg(long)]
        email: String,
    },
    /// Print a link where a person chooses a new password
    ResetPassword {
        /// Handle or address
        user: String,
    },
    /// Turn two-factor authentication off for a person who lost the app and the recovery codes
    TwoFactorOff {
        /// Handle or address
        user: String,
    },
    /// End sessions: of one person, or of everybody
    SignOut {
        /// Handle or address
        #[arg(required_unless_present = "all")]
        user: Option<String>,
        /// Everybody
        #[arg(long, conflicts_with = "user")]
        all: bool,
    },
    /// Show or set an account's own limits
    Limits {
        /// Handle of the account
        account: String,
        /// Workspaces; `default` for the server's setting
        #[arg(long, value_parser = limit)]
        workspaces: Option<Limit>,
        /// People in one personal workspace, or in the organization; `default` for the server's
        /// setting
        #[arg(long, value_parser = limit)]
        members: Option<Limit>,
        /// Service accounts of the organization; `default` for the server's setting
        #[arg(long, value_parser = limit)]
        service_accounts: Option<Limit>,
        /// Days that runs are kept; `default` for the server's setting
        #[arg(long, value_name = "DAYS", value_parser = days)]
        keep_runs: Option<Limit>,
        /// Days that audit entries are kept; `default` for the server's setting
        #[arg(long, value_name = "DAYS", value_parser = days)]
        keep_audit: Option<Limit>,
    },
    /// Show what the transfer of a workspace to another account would do; with --confirm, carry it out. Also between
    /// two personal accounts
    Transfer {
        /// The workspace, as `account/workspace`
        workspace: String,
        /// Handle of the account that it is to belong to
        account: String,
        /// Its handle there; as it is unless another one is given
        #[arg(long)]
        handle: Option<String>,
        /// `account/workspace` once more, to carry it out
        #[arg(long, value_name = "PATH", requires = "reason")]
        confirm: Option<String>,
        /// Why, and that both owners agreed; both read it, and it is kept in both audit logs
        #[arg(long, requires = "confirm")]
        reason: Option<String>,
    },
    /// List mails that failed; with --retry, put those that were given up back into the queue
    Mails {
        /// Try again
        #[arg(long)]
        retry: bool,
    },
}

/// A limit to be set.
#[derive(Clone, Copy, Debug)]
pub struct Limit(Option<i32>);

fn limit(text: &str) -> Result<Limit, String> {
    if text == "default" {
        return Ok(Limit(None));
    }
    match text.parse::<i32>() {
        Ok(number) if number >= 0 => Ok(Limit(Some(number))),
        _ => Err("use a number, or `default`".to_owned()),
    }
}

/// Nothing can be kept for no day at all.
fn days(text: &str) -> Result<Limit, String> {
    match limit(text)? {
        Limit(Some(0)) => Err("keep it for at least 1 day, or for the `default`".to_owned()),
        limit => Ok(limit),
    }
}

/// Runs an operator's command beside a running server.
pub fn run(settings: Settings, admin: Admin) -> Result<(), CliError> {
    let app = beside(settings)?.app;
    let mut db = connect(&app.settings().database, Role::Writer).map_err(CliError::new)?;
    let now = app.now();
    match admin {
        Admin::CreateUser { name, handle, email } => {
            let new = NewUser {
                name: DisplayName::parse(&name).map_err(CliError::new)?,
                handle: Handle::parse(&handle).map_err(CliError::new)?,
                email: EmailAddress::parse(&email).map_err(CliError::new)?,
                password_hash: None,
                verified: Verified::Mailed,
            };
            make_user(&app, &mut db, &new, now)
        }
        Admin::ResetPassword { user } => {
            let user = find(&mut db, &user)?;
            print_reset_link(&app, &mut db, &user, now)
        }
        Admin::TwoFactorOff { user } => {
            let user = find(&mut db, &user)?;
            two_factor_off(&mut db, &user, now)
        }
        Admin::SignOut { user: Some(user), .. } => {
            let user = find(&mut db, &user)?;
            sign_out(&mut db, &user, now)
        }
        Admin::SignOut { user: None, .. } => {
            let ended = in_transaction(&mut db, &Locks::Instance, |db| {
                Ok(diesel::delete(sessions::table).execute(db)?)
            })
            .map_err(CliError::new)?;
            say(format!("{ended} sessions ended."));
            Ok(())
        }
        Admin::Limits { account, workspaces, members, service_accounts, keep_runs, keep_audit } => {
            let changes = [workspaces, members, service_accounts, keep_runs, keep_audit];
            limits(&mut db, &account, changes, now)
        }
        Admin::Transfer { workspace, account, handle, confirm, reason } => {
            let order = Order { path: workspace, account, handle, confirmed: confirm.zip(reason) };
            transfer(&app, &mut db, &order, now)
        }
        Admin::Mails { retry } => mails(&mut db, retry, now),
    }
}

fn find(db: &mut Db, user: &str) -> Result<User, CliError> {
    let found = match EmailAddress::parse(user) {
        Ok(email) => queries::by_email_key(db, email.key()),
        Err(_) => queries::by_handle(db, user),
    };
    found.map_err(CliError::new)?.ok_or_else(|| CliError::new(format!("There is no user {user}.")))
}

fn make_user(app: &App, db: &mut Db, new: &NewUser, now: Instant) -> Result<(), CliError> {
    let made = in_transaction(db, &Locks::Instance, |db| {
        create_user(db, new, Some(&By::Operator), None, now)
    })
    .map_err(CliError::new)?;
    let user = made.map_err(|problem| {
        CliError::new(match problem {
            CreateProblem::HandleTaken => "Somebody has that handle already.",
            CreateProblem::EmailTaken => "Somebody has that address already.",
        })
    })?;
    let user = queries::by_id(db, user)
        .map_err(CliError::new)?
        .ok_or_else(|| CliError::new("The account is gone again."))?;
    print_reset_link(app, db, &user, now)
}

/// Operators can start a reset, never choose a password (AU-18).
fn print_reset_link(app: &App, db: &mut Db, user: &User, now: Instant) -> Result<(), CliError> {
    let generation = user.reset_generation + 1;
    in_transaction(db, &user.account.into(), |db| -> AppResult<()> {
        diesel::update(users::table.find(user.id))
            .set((users::reset_generation.eq(generation), users::reset_requested_at.eq(Some(now))))
            .execute(db)?;
        let details = json!({ "handle": user.handle });
        record(
            db,
            &By::Operator,
            Entry::of_account(Event::UserResetStarted, user.account, details),
            now,
        )
    })
    .map_err(CliError::new)?;
    let token = app.context.keys.link_token(Purpose::ResetPassword, user.id.uuid(), generation);
    say(format!("{} ({}) chooses a password here, within 30 minutes:", user.handle, user.email));
    say(format!("{}{}", app.settings().site(), urls::reset_password(&token)));
    Ok(())
}

fn two_factor_off(db: &mut Db, user: &User, now: Instant) -> Result<(), CliError> {
    let was_on = in_transaction(db, &user.account.into(), |db| {
        remove_two_factor(db, user, &By::Operator, now)
    })
    .map_err(CliError::new)?;
    if !was_on {
        return Err(CliError::new(format!("{} has no two-factor authentication.", user.handle)));
    }
    say(format!(
        "{} ({}) signs in with the password alone now, and is told so by mail.",
        user.handle, user.email
    ));
    Ok(())
}

fn sign_out(db: &mut Db, user: &User, now: Instant) -> Result<(), CliError> {
    let ended = in_transaction(db, &user.account.into(), |db| -> AppResult<usize> {
        let ended = queries::end_sessions(db, user.id, None)?;
        let details = json!({ "sessions_ended": ended });
        record(
            db,
            &By::Operator,
            Entry::of_account(Event::UserSessionEnded, user.account, details),
            now,
        )?;
        Ok(ended)
    })
    .map_err(CliError::new)?;
    say(format!("{ended} sessions of {} ended. API keys go on working.", user.handle));
    Ok(())
}

type LimitsRow = (Option<i32>, Option<i32>, Option<i32>, Option<i32>, Option<i32>);

fn limits(
    db: &mut Db,
    handle: &str,
    changes: [Option<Limit>; 5],
    now: Instant,
) -> Result<(), CliError> {
    let account = queries::account_with_handle(db, handle)
        .map_err(CliError::new)?
        .ok_or_else(|| CliError::new(format!("There is no account {handle}.")))?;
    let columns = (
        accounts::workspace_limit,
        accounts::member_limit,
        accounts::service_account_limit,
        accounts::run_retention_days,
        accounts::audit_retention_days,
    );
    let after: LimitsRow = in_transaction(db, &account.into(), |db| {
        let before: LimitsRow = accounts::table.find(account).select(columns).first(db)?;
        let [workspaces, members, bots, runs, audit] = changes;
        let pick = |change: Option<Limit>, before| change.map_or(before, |limit| limit.0);
        let after = (
            pick(workspaces, before.0),
            pick(members, before.1),
            pick(bots, before.2),
            pick(runs, before.3),
            pick(audit, before.4),
        );
        if after != before {
            diesel::update(accounts::table.find(account))
                .set((
                    accounts::workspace_limit.eq(after.0),
                    accounts::member_limit.eq(after.1),
                    accounts::service_account_limit.eq(after.2),
                    accounts::run_retention_days.eq(after.3),
                    accounts::audit_retention_days.eq(after.4),
                    accounts::updated_at.eq(now),
                ))
                .execute(db)?;
            let details = json!({ "before": before, "after": after });
            record(
                db,
                &By::Operator,
                Entry::of_account(Event::AccountLimitsChanged, account, details),
                now,
            )?;
        }
        Ok::<_, Error>(after)
    })
    .map_err(CliError::new)?;
    let text = |value: Option<i32>| value.map_or("default".to_owned(), |n| n.to_string());
    say(format!(
        "{handle}: workspaces {}, members {}, service accounts {}, run retention days {}, audit \
         retention days {}",
        text(after.0),
        text(after.1),
        text(after.2),
        text(after.3),
        text(after.4)
    ));
    Ok(())
}

fn transfer(app: &App, db: &mut Db, order: &Order, now: Instant) -> Result<(), CliError> {
    match by_operator(db, app, order, now).map_err(CliError::new)? {
        Ordered::Refused(why) => Err(CliError::new(why)),
        Ordered::Looked(text, path) => {
            say(text);
            say(format!(
                "Nothing moved. To carry it out: the same with --confirm {path} --reason \"…\""
            ));
            Ok(())
        }
        Ordered::Moved(path, id, until) => {
            say(format!("{} is {path} now. Everybody concerned gets a mail.", order.path));
            let page = format!("{}{}", app.settings().site(), urls::transfer(id));
            say(format!("The receipt, and until {} the way back: {page}", until.minute_text()));
            Ok(())
        }
    }
}

fn mails(db: &mut Db, retry: bool, now: Instant) -> Result<(), CliError> {
    if retry {
        let count = mail::retry_dead(db, now).map_err(CliError::new)?;
        say(format!("{count} mails are in the queue again."));
        return Ok(());
    }
    let failed = mail::dead(db, 200).map_err(CliError::new)?;
    for mail in &failed {
        say(format!(
            "{}  {:<6}  {:<20}  {}  tries {}  {}",
            mail.created_at.minute_text(),
            mail.state.as_str(),
            mail.template,
            mail.recipient,
            mail.attempts,
            mail.last_error.as_deref().unwrap_or_default(),
        ));
    }
    say(format!("{} mails failed.", failed.len()));
    Ok(())
}

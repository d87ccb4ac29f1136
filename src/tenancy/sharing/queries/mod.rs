//! Rows about who may use a workspace.

mod bots;
mod people;

pub use bots::{
    bot, bot_count, bot_of, bots, candidates as bot_candidates, delete_bot_grant, ended_bots,
    insert_bot_grant, set_bot_role,
};
pub use people::{
    admins, candidates, ended_people, ending_people, mark_told, member_of, people, people_count,
    person, person_of, remove_person, set_default, set_role,
};

//! The JSON API of accounts, their members and the invitations into organizations; paths, names and
//! status codes as Prefect Cloud's API has them, invitations beyond it.

mod account;
mod invitations;
mod members;
mod policy;

use actix_web::web;
use utoipa::OpenApi;

use crate::base::http::routes::{resource, resources};

pub use account::*;
pub use invitations::*;
pub use members::*;
pub use policy::*;

/// The addresses of this slice, below `/api`.
pub fn routes(config: &mut web::ServiceConfig) {
    let of = |rest: &str| resource(format!("/accounts/{{account_id}}{rest}"));
    config
        .service(
            resources(["/accounts/{account_id}/", "/accounts/{account_id}"])
                .get(get_account)
                .patch(edit_account),
        )
        .service(of("/settings").get(get_settings))
        .service(of("/domains").get(get_domains).patch(set_domains))
        .service(of("/policy").get(get_policy).patch(set_policy))
        .service(of("/account_roles/filter").post(account_roles))
        .service(of("/account_roles/{id}").get(account_role))
        .service(of("/account_memberships/filter").post(memberships))
        .service(of("/account_memberships/{id}").patch(change_member).delete(remove_member))
        .service(
            resources([
                "/accounts/{account_id}/invitations/",
                "/accounts/{account_id}/invitations",
            ])
            .post(invite),
        )
        .service(of("/invitations/filter").post(invitations_of))
        .service(of("/invitations/{id}").delete(revoke))
        .service(of("/invitations/{id}/resend").post(resend));
}

/// The operations of this slice, for the API's document.
#[derive(OpenApi)]
#[openapi(paths(
    get_account,
    edit_account,
    get_settings,
    get_domains,
    set_domains,
    get_policy,
    set_policy,
    account_roles,
    account_role,
    memberships,
    change_member,
    remove_member,
    invite,
    invitations_of,
    revoke,
    resend
))]
pub struct Document;

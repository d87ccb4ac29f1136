//! What the invited person's browser sends.

use serde::Deserialize;

use super::model::Invitation;
use crate::access::email::EmailAddress;
use crate::access::handle::Handle;
use crate::base::error::{Error, Result};
use crate::base::http::form::Field;
use crate::base::secret::Password;
use crate::tenancy::accounts::model::{DisplayName, NewPassword};

/// The sign-up form on an invitation. The address is there for password managers; it cannot be
/// another one (IN-04).
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct JoinForm {
    pub name: String,
    pub handle: String,
    pub email: String,
    pub password: String,
}

/// The sign-up form as shown.
#[derive(Clone, Debug)]
pub struct JoinFields {
    pub name: Field,
    pub handle: Field,
    pub email: Field,
    pub password: Field,
}

/// What the sign-up form says, parsed.
#[derive(Debug)]
pub struct Join {
    pub name: DisplayName,
    pub handle: Handle,
    pub password: NewPassword,
}

impl JoinFields {
    /// The form for the invited address, empty otherwise.
    pub fn of(invitation: &Invitation) -> Self {
        Self {
            name: Field::empty("name"),
            handle: Field::empty("handle"),
            email: Field::new("email", invitation.email.clone()),
            password: Field::empty("password"),
        }
    }
}

impl JoinForm {
    /// The domain values with the form they came from, or the form with its problems; `host` is this server's.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the body names another address than the invitation does.
    pub fn parse(
        self,
        invitation: &Invitation,
        host: &str,
    ) -> Result<Result<(Join, JoinFields), JoinFields>> {
        same_address(&self.email, invitation)?;
        let mut fields = JoinFields {
            name: Field::new("name", self.name),
            handle: Field::new("handle", self.handle),
            ..JoinFields::of(invitation)
        };
        let name = fields.name.parse(DisplayName::parse);
        let handle = fields.handle.parse(Handle::parse);
        let own = [fields.name.value.as_str(), &fields.handle.value, &fields.email.value, host];
        let password = match NewPassword::parse(&self.password, &own) {
            Ok(password) => Some(password),
            Err(problem) => {
                fields.password.problem = Some(problem);
                None
            }
        };
        Ok(match (name, handle, password) {
            (Some(name), Some(handle), Some(password)) => {
                Ok((Join { name, handle, password }, fields))
            }
            _ => Err(fields),
        })
    }
}

/// The sign-in form on an invitation.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SignInForm {
    pub email: String,
    pub password: String,
}

impl SignInForm {
    /// The password as typed.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the body names another address than the invitation does.
    pub fn parse(self, invitation: &Invitation) -> Result<Password> {
        same_address(&self.email, invitation)?;
        Ok(Password::new(self.password))
    }
}

fn same_address(typed: &str, invitation: &Invitation) -> Result<()> {
    let is_same = typed.is_empty()
        || EmailAddress::parse(typed).is_ok_and(|email| email.key() == invitation.email_key);
    if is_same {
        Ok(())
    } else {
        Err(Error::Invalid("The invitation is for another address. Reload the page.".to_owned()))
    }
}

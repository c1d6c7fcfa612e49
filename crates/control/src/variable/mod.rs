//! Environment variables of apps: what people set, and what add-ons publish.
//!
//! A value that is exactly `$OTHER` is an alias: resolved, it shows what the other variable has. Aliases in the
//! middle of text are text. Names that do not exist and aliases that go in a circle stay as they are written.
//! The URL that an add-on publishes cannot be written by people; the alias `DATABASE_URL` can: whoever writes it
//! takes it over, and the add-on leaves it alone from then on.

mod alias;

use crate::{
    Action, Actor, ControlPlane, Error, Result,
    access::AppAccess,
    audit,
    crypto::secret_box::MasterKey,
    store::{self, variable::Variable},
    variable::alias::resolve,
};
use secrecy::{ExposeSecret, SecretString};
use sqlx::PgConnection;
use std::collections::{BTreeMap, BTreeSet};
use types::{FieldError, VariableId, name, view::VariableView};
use uuid::Uuid;

/// The first database of an app is found by this name, a second one by the same with `_2` at its end.
pub(crate) const PUBLISHED: &str = "SCALINGO_POSTGRESQL_URL";
/// The alias that most libraries read.
pub(crate) const ALIAS: &str = "DATABASE_URL";
/// So many variables are enough for an app, and keep its page and its rows bounded.
const MOST: usize = 500;

fn purpose(app: Uuid, name: &str) -> String {
    format!("app:{app}:variable:{name}")
}

fn managed(variable: &Variable) -> bool {
    variable.addon_id.is_some() && variable.name != ALIAS
}

impl ControlPlane {
    /// The variables of an app by name; raw, or with aliases resolved.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn variables(&self, actor: &Actor, app: &str, resolved: bool) -> Result<Vec<VariableView>> {
        let access = self.app_access(actor, app, Action::ReadVariables).await?;
        let mut conn = self.store().acquire().await?;
        let rows = store::variable::list(&mut conn, access.id.uuid()).await?;
        let values = opened(&self.inner.key, access.id.uuid(), &rows)?;
        let view = |row: &Variable| VariableView {
            id: VariableId::new(row.id),
            name: row.name.clone(),
            value: match values.get(&row.name) {
                Some(value) if !resolved => value.expose_secret().to_owned(),
                _ => resolve(&values, &row.name).to_owned(),
            },
            managed: managed(row),
        };
        Ok(rows.iter().map(view).collect())
    }

    /// Sets one variable, new or not.
    ///
    /// # Errors
    /// `Invalid` on fields `name` and `value`.
    pub async fn set_variable(
        &self,
        actor: &Actor,
        app: &str,
        name: &str,
        value: &str,
    ) -> Result<VariableView> {
        let set = self.set_variables(actor, app, vec![(name.into(), value.into())]).await?;
        set.into_iter().next().ok_or(Error::NotFound("variable"))
    }

    /// Sets several variables, all or none; answers them in the same order.
    ///
    /// # Errors
    /// `Invalid` on fields `name` and `value` (with the variable's name, if there are several).
    pub async fn set_variables(
        &self,
        actor: &Actor,
        app: &str,
        variables: Vec<(String, String)>,
    ) -> Result<Vec<VariableView>> {
        let access = self.app_access(actor, app, Action::WriteVariables).await?;
        check(&variables)?;
        let (app_id, now) = (access.id.uuid(), self.now());
        let mut tx = self.store().begin().await?;
        if !store::app::lock(&mut tx, app_id).await? {
            return Err(Error::NotFound("app"));
        }
        let known: BTreeSet<_> =
            store::variable::list(&mut tx, app_id).await?.into_iter().map(|v| v.name).collect();
        if known.len() + variables.iter().filter(|(name, _)| !known.contains(name)).count() > MOST {
            return Err(Error::invalid("name", format!("An app has at most {MOST} variables.")));
        }
        let mut views = Vec::new();
        for (name, value) in variables {
            let old = store::variable::by_name(&mut tx, app_id, &name).await?;
            refuse_managed(old.as_ref())?;
            views.push(self.put(&mut tx, &access, &name, value).await?);
        }
        let names: Vec<_> = views.iter().map(|view| view.name.as_str()).collect();
        let entry = audit::Entry::new("variable.set").app(access.id).detail(names.join(", "));
        audit::record(&mut tx, now, actor, entry).await?;
        tx.commit().await?;
        Ok(views)
    }

    /// Gives a variable another value.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` on field `value`.
    pub async fn update_variable(
        &self,
        actor: &Actor,
        app: &str,
        variable: VariableId,
        value: &str,
    ) -> Result<VariableView> {
        let access = self.app_access(actor, app, Action::WriteVariables).await?;
        name::variable_value(value).map_err(|refusal| Error::invalid("value", refusal))?;
        let mut tx = self.store().begin().await?;
        let old = store::variable::find(&mut tx, access.id.uuid(), variable.uuid()).await?;
        let old = old.ok_or(Error::NotFound("variable"))?;
        refuse_managed(Some(&old))?;
        let view = self.put(&mut tx, &access, &old.name, value.to_owned()).await?;
        let entry = audit::Entry::new("variable.set").app(access.id).detail(old.name);
        audit::record(&mut tx, self.now(), actor, entry).await?;
        tx.commit().await?;
        Ok(view)
    }

    /// Removes a variable.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` on field `name` when an add-on publishes it.
    pub async fn delete_variable(&self, actor: &Actor, app: &str, variable: VariableId) -> Result<()> {
        let access = self.app_access(actor, app, Action::WriteVariables).await?;
        let mut tx = self.store().begin().await?;
        let old = store::variable::find(&mut tx, access.id.uuid(), variable.uuid()).await?;
        let old = old.ok_or(Error::NotFound("variable"))?;
        refuse_managed(Some(&old))?;
        store::variable::delete(&mut tx, access.id.uuid(), old.id).await?;
        let entry = audit::Entry::new("variable.delete").app(access.id).detail(old.name);
        audit::record(&mut tx, self.now(), actor, entry).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn put(
        &self,
        tx: &mut PgConnection,
        access: &AppAccess,
        name: &str,
        value: String,
    ) -> Result<VariableView> {
        let app = access.id.uuid();
        let id = put(&self.inner.key, tx, app, name, &SecretString::from(value.as_str()), None).await?;
        Ok(VariableView { id: VariableId::new(id), name: name.into(), value, managed: false })
    }
}

/// Publishes a database's URL in its app's variables; answers the names that point to it. Repeating changes nothing:
/// an add-on keeps the name that it has. The caller's transaction holds the app's lock.
pub(crate) async fn publish(
    key: &MasterKey,
    tx: &mut PgConnection,
    app: Uuid,
    addon: Uuid,
    url: &SecretString,
) -> Result<Vec<String>> {
    let known = store::variable::list(tx, app).await?;
    let own = known.iter().find(|v| v.addon_id == Some(addon) && managed(v)).map(|v| v.name.clone());
    let name = own.unwrap_or_else(|| {
        let numbered = (1..).map(|n| if n == 1 { PUBLISHED.to_owned() } else { format!("{PUBLISHED}_{n}") });
        let free = |name: &String| !known.iter().any(|v| v.name == *name);
        numbered.into_iter().find(free).unwrap_or_default()
    });
    put(key, tx, app, &name, url, Some(addon)).await?;
    let mut names = vec![name];
    // Another database's alias, or the user's own variable, stays what it is: pointing an app at another database
    // is never done on the side.
    if !known.iter().any(|v| v.name == ALIAS) {
        put(key, tx, app, ALIAS, &format!("${}", names[0]).into(), Some(addon)).await?;
        names.insert(0, ALIAS.into());
    }
    Ok(names)
}

async fn put(
    key: &MasterKey,
    tx: &mut PgConnection,
    app: Uuid,
    name: &str,
    value: &SecretString,
    addon_id: Option<Uuid>,
) -> Result<Uuid> {
    let value = key.seal_text(value, &purpose(app, name))?;
    let variable = Variable { id: Uuid::now_v7(), name: name.into(), value, addon_id };
    Ok(store::variable::put(tx, app, &variable).await?)
}

fn opened(key: &MasterKey, app: Uuid, rows: &[Variable]) -> Result<BTreeMap<String, SecretString>> {
    let open = |row: &Variable| Ok((row.name.clone(), key.open_text(&row.value, &purpose(app, &row.name))?));
    rows.iter().map(open).collect()
}

fn check(variables: &[(String, String)]) -> Result<()> {
    let mut wrong = Vec::new();
    let alone = variables.len() == 1;
    for (name, value) in variables {
        let mut refuse = |field: &str, message: String| {
            let message = if alone { message } else { format!("{}: {message}", name.escape_debug()) };
            wrong.push(FieldError { field: field.into(), message });
        };
        if let Err(refusal) = name::variable(name) {
            refuse("name", refusal);
        }
        if let Err(refusal) = name::variable_value(value) {
            refuse("value", refusal);
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(Error::Invalid(wrong)) }
}

fn refuse_managed(variable: Option<&Variable>) -> Result<()> {
    match variable {
        Some(variable) if managed(variable) => Err(Error::invalid(
            "name",
            format!("{} is set by a database of this app and goes with it.", variable.name),
        )),
        _ => Ok(()),
    }
}

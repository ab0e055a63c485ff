//! `basin token create`, `list`, `revoke`: who may call a coordinator.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use basin_domain::scheduling::UserName;
use basin_domain::utc::Utc;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::arguments::Token;
use super::command_error::{CommandError, CommandResult, OrFail};
use super::failures::tokens_failed;
use super::output::{Output, table};
use basin_coordinator::trust::{NewToken, Role, TokenEntry, TokenFile, TokenFileError};

const DAY: u64 = 86_400;

fn now() -> Utc {
    Utc::from_unix(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs())
}

/// Makes, lists or revokes tokens.
pub(super) fn token(arguments: Token, output: Output) -> CommandResult {
    match arguments {
        Token::Create { role, name, expires, at } => create(&role, name, expires, &at.tokens, output),
        Token::List { at } => list(&at.tokens, output),
        Token::Revoke { token, at } => revoke(&token, &at.tokens, output),
    }
}

fn create(role: &str, name: String, expires: Option<u64>, path: &Path, output: Output) -> CommandResult {
    let role: Role = role.parse().or_input("cannot make a token")?;
    let name = UserName::new(name).or_input("cannot make a token")?;
    let created = now();
    let expires = expires.map(|days| Utc::from_unix(created.unix() + days * DAY));
    let NewToken { secret, entry } =
        NewToken::new(name, role, created, expires).or_basin("this system gives no random numbers")?;
    let kept = entry.clone();
    TokenFile::change(path, |file| {
        file.entries.push(kept);
        Ok::<(), TokenFileError>(())
    })
    .map_err(|error| tokens_failed(error).context("cannot keep the token"))?;
    let until = entry.expires.map_or_else(String::new, |on| format!(", until {on}"));
    output.say(&format!(
        "{} `{}` ({}){until}; this is the only time that the token is shown",
        entry.role, entry.name, entry.id
    ));
    let mut value = described(&entry, created);
    value["token"] = secret.expose_secret().into();
    output.result(&value, secret.expose_secret()).map_err(|failed| {
        failed.hint(format!(
            "nobody has seen the token: `basin token revoke {} --tokens {}`, and make another",
            entry.id,
            path.display()
        ))
    })
}

fn state(entry: &TokenEntry, now: Utc) -> &'static str {
    match (entry.revoked, entry.expires) {
        (Some(_), _) => "revoked",
        (None, Some(on)) if on <= now => "expired",
        (None, Some(_) | None) => "good",
    }
}

fn described(entry: &TokenEntry, now: Utc) -> Value {
    let date = |date: Option<Utc>| date.map(|date| date.to_string());
    json!({
        "id": entry.id.as_str(), "name": entry.name.as_str(), "role": entry.role.as_str(), "state": state(entry, now),
        "created": entry.created.to_string(), "expires": date(entry.expires), "revoked": date(entry.revoked),
    })
}

fn list(path: &Path, output: Output) -> CommandResult {
    let file = TokenFile::read(path).map_err(tokens_failed)?;
    let now = now();
    let row = |entry: &TokenEntry| {
        let date = |date: Option<Utc>| date.map_or_else(|| "-".to_owned(), |date| date.to_string());
        [
            entry.id.to_string(),
            entry.name.to_string(),
            entry.role.to_string(),
            state(entry, now).to_owned(),
            entry.created.to_string(),
            date(entry.expires),
        ]
        .to_vec()
    };
    let rows: Vec<_> = file.entries.iter().map(row).collect();
    let value: Vec<_> = file.entries.iter().map(|entry| described(entry, now)).collect();
    output.result(&value, &table(&["id", "name", "role", "state", "created", "expires"], &rows))
}

fn revoke(token: &str, path: &Path, output: Output) -> CommandResult {
    let now = now();
    let revoked = TokenFile::change(path, |file| {
        let chosen = choose(token, &file.entries)?;
        let entry = &mut file.entries[chosen];
        entry.revoked.get_or_insert(now);
        Ok::<TokenEntry, CommandError>(entry.clone())
    });
    let entry = revoked.map_err(|failed| failed.context("cannot revoke the token"))?;
    output.result(
        &described(&entry, now),
        &format!("{} `{}` ({}) is revoked", entry.role, entry.name, entry.id),
    )
}

/// The token of this id, or the only one of this name that isn't revoked.
fn choose(token: &str, entries: &[TokenEntry]) -> Result<usize, CommandError> {
    if let Some(exact) = entries.iter().position(|entry| entry.id.as_str() == token) {
        return Ok(exact);
    }
    let named = |(_, entry): &(usize, &TokenEntry)| entry.name.as_str() == token && entry.revoked.is_none();
    let named: Vec<(usize, &TokenEntry)> = entries.iter().enumerate().filter(named).collect();
    match named[..] {
        [(only, _)] => Ok(only),
        [] => Err(CommandError::input(anyhow::anyhow!("no token has this id or name")).hint(
            "`basin token list` names them; give the part after `basin_` for an id, never the whole token",
        )),
        [..] => {
            let ids: Vec<&str> = named.iter().map(|(_, entry)| entry.id.as_str()).collect();
            Err(CommandError::input(anyhow::anyhow!("{} tokens have this name", ids.len()))
                .hint(format!("name one by its id: {}", ids.join(", "))))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str) -> TokenEntry {
        NewToken::new(UserName::new(name).unwrap(), Role::Viewer, Utc::from_unix(0), None).unwrap().entry
    }

    #[test]
    fn a_token_is_chosen_by_its_id_or_by_a_name_that_one_token_has() {
        let mut entries = vec![entry("lab"), entry("ci"), entry("ci")];
        assert_eq!(choose("lab", &entries).unwrap(), 0);
        assert_eq!(choose(entries[2].id.clone().as_str(), &entries).unwrap(), 2);
        assert!(choose("ci", &entries).unwrap_err().text().contains("2 tokens have this name"));
        entries[1].revoked = Some(Utc::from_unix(1));
        assert_eq!(choose("ci", &entries).unwrap(), 2);
        assert!(choose("nobody", &entries).is_err());
    }
}

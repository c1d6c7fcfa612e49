//! The formats themselves, one function each, and the table that orders them.
//!
//! A function here decides which words a format has; how a value is written is `quote`'s business. Masked or not is
//! decided by [`Parts::password`], so no function can show a password by mistake.

use super::{CA_FILE, MASK, Parts, quote};

/// Key, label, hint and writer of a format.
pub(super) type Row = (&'static str, &'static str, &'static str, fn(&Parts<'_>) -> String);

/// In the order of the tabs.
pub(super) const ALL: [Row; 14] = [
    ("url", "URL", "Understood by most drivers.", url),
    (
        "psql",
        "psql",
        "In a terminal. The shell may keep the line in its history; a .pgpass file does not.",
        psql,
    ),
    ("env", ".env", "A line of a .env file; docker run --env-file wants it without the quotes.", env),
    ("pgpass", ".pgpass", "A line of ~/.pgpass. The file must have mode 0600, or it is ignored.", pgpass),
    ("service", "pg_service.conf", "Add it to ~/.pg_service.conf, then: psql service=NAME", service),
    ("keyvalue", "Key/value", "libpq's own form, for psql, psycopg, PHP and others.", keyvalue),
    ("jdbc", "JDBC", "For Java, Kotlin and Scala.", jdbc),
    ("npgsql", "Npgsql", "For .NET.", npgsql),
    ("sqlalchemy", "SQLAlchemy", "Python, with psycopg 3.", sqlalchemy),
    ("django", "Django", "In settings.py.", django),
    ("rails", "Rails", "In config/database.yml.", rails),
    ("prisma", "Prisma", "In .env, for Prisma's own engine. A driver adapter takes the plain URL.", prisma),
    ("sqlx", "sqlx", "Rust, with sqlx::postgres.", sqlx),
    ("pgx", "pgx", "Go, with pgx 5.", pgx),
];

fn authority(p: &Parts<'_>) -> String {
    let (user, host) = (quote::url(&p.view.username), quote::url_host(&p.view.host));
    let (port, database) = (p.view.port, quote::url(&p.view.database));
    format!("{user}:{}@{host}:{port}/{database}", p.password(quote::url))
}

/// `sslmode=…` and, when the certificate is checked, the authority's file.
fn tls(p: &Parts<'_>, between: &str) -> String {
    let file = if p.verifies() { format!("{between}sslrootcert={CA_FILE}") } else { String::new() };
    format!("sslmode={}{file}", p.sslmode.word())
}

fn url(p: &Parts<'_>) -> String {
    format!("postgresql://{}?{}", authority(p), tls(p, "&"))
}

// Percent-encoding leaves nothing that a shell reads inside double quotes.
fn psql(p: &Parts<'_>) -> String {
    format!("psql \"{}\"", url(p))
}

fn env(p: &Parts<'_>) -> String {
    format!("DATABASE_URL=\"{}\"", url(p))
}

fn pgpass(p: &Parts<'_>) -> String {
    let secret = p.password.map_or(Some(MASK.to_owned()), quote::pgpass);
    let line = |secret: String| {
        let fields = [&p.view.database, &p.view.username].map(|text| quote::pgpass(text));
        let [Some(database), Some(user)] = fields else { return None };
        let host = quote::pgpass(&p.view.host)?;
        Some(format!("{host}:{}:{database}:{user}:{secret}", p.view.port))
    };
    secret.and_then(line).unwrap_or_else(|| cannot("A line of .pgpass cannot hold a line break."))
}

fn service(p: &Parts<'_>) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
    let name: String = p.view.database.chars().map(plain).collect();
    let lines = || {
        let (host, database) = (quote::service(&p.view.host)?, quote::service(&p.view.database)?);
        let (user, secret) = (quote::service(&p.view.username)?, quote::service(p.password.unwrap_or(MASK))?);
        let (port, tls) = (p.view.port, tls(p, "\n"));
        Some(format!(
            "[{name}]\nhost={host}\nport={port}\ndbname={database}\nuser={user}\npassword={secret}\n{tls}"
        ))
    };
    lines().unwrap_or_else(|| {
        cannot("pg_service.conf cannot hold a line break, or a space at the end of a value.")
    })
}

// Both files take a line that starts with # for a comment.
fn cannot(why: &str) -> String {
    format!("# {why} Another format can.")
}

fn keyvalue(p: &Parts<'_>) -> String {
    let (host, database) = (quote::keyword(&p.view.host), quote::keyword(&p.view.database));
    let (user, secret) = (quote::keyword(&p.view.username), p.password(quote::keyword));
    let (port, tls) = (p.view.port, tls(p, " "));
    format!("host={host} port={port} dbname={database} user={user} password={secret} {tls}")
}

fn jdbc(p: &Parts<'_>) -> String {
    let (host, database) = (quote::url_host(&p.view.host), quote::url(&p.view.database));
    let (user, secret) = (quote::url(&p.view.username), p.password(quote::url));
    let (port, tls) = (p.view.port, tls(p, "&"));
    format!("jdbc:postgresql://{host}:{port}/{database}?user={user}&password={secret}&{tls}")
}

fn npgsql(p: &Parts<'_>) -> String {
    let (host, database) = (quote::dotnet(&p.view.host), quote::dotnet(&p.view.database));
    let (user, secret) = (quote::dotnet(&p.view.username), p.password(quote::dotnet));
    let port = p.view.port;
    let tls =
        if p.verifies() { format!("VerifyFull;Root Certificate={CA_FILE}") } else { "Require".to_owned() };
    format!("Host={host};Port={port};Database={database};Username={user};Password={secret};SSL Mode={tls}")
}

/// `"key": "value"` pairs of a Python dict.
fn python_tls(p: &Parts<'_>) -> String {
    let file = if p.verifies() { format!(", \"sslrootcert\": \"{CA_FILE}\"") } else { String::new() };
    format!("{{\"sslmode\": \"{}\"{file}}}", p.sslmode.word())
}

fn quoted_mask(p: &Parts<'_>, quote: impl Fn(&str) -> String) -> String {
    quote(p.password.unwrap_or(MASK))
}

fn sqlalchemy(p: &Parts<'_>) -> String {
    let (host, database) = (quote::literal(&p.view.host), quote::literal(&p.view.database));
    let (user, secret) = (quote::literal(&p.view.username), quoted_mask(p, quote::literal));
    let (port, tls) = (p.view.port, python_tls(p));
    format!(
        "from sqlalchemy import URL, create_engine\n\nengine = create_engine(URL.create(\n    \"postgresql+psycopg\",\n    \
         username={user},\n    password={secret},\n    host={host},\n    port={port},\n    database={database},\n    \
         query={tls},\n))"
    )
}

fn django(p: &Parts<'_>) -> String {
    let (host, database) = (quote::literal(&p.view.host), quote::literal(&p.view.database));
    let (user, secret) = (quote::literal(&p.view.username), quoted_mask(p, quote::literal));
    let (port, tls) = (p.view.port, python_tls(p));
    format!(
        "DATABASES = {{\n    \"default\": {{\n        \"ENGINE\": \"django.db.backends.postgresql\",\n        \
         \"HOST\": {host},\n        \"PORT\": {port},\n        \"NAME\": {database},\n        \"USER\": {user},\n        \
         \"PASSWORD\": {secret},\n        \"OPTIONS\": {tls},\n    }}\n}}"
    )
}

fn rails(p: &Parts<'_>) -> String {
    let (host, database) = (quote::literal(&p.view.host), quote::literal(&p.view.database));
    let (user, secret) = (quote::literal(&p.view.username), quoted_mask(p, quote::literal));
    let port = p.view.port;
    let file = if p.verifies() { format!("\n  sslrootcert: \"{CA_FILE}\"") } else { String::new() };
    format!(
        "production:\n  adapter: postgresql\n  host: {host}\n  port: {port}\n  database: {database}\n  \
         username: {user}\n  password: {secret}\n  sslmode: {}{file}",
        p.sslmode.word()
    )
}

fn prisma(p: &Parts<'_>) -> String {
    let tls = if p.verifies() { format!("&sslaccept=strict&sslcert={CA_FILE}") } else { String::new() };
    format!("DATABASE_URL=\"postgresql://{}?sslmode=require{tls}\"", authority(p))
}

fn sqlx(p: &Parts<'_>) -> String {
    let (host, database) = (quote::rust(&p.view.host), quote::rust(&p.view.database));
    let (user, secret) = (quote::rust(&p.view.username), quoted_mask(p, quote::rust));
    let port = p.view.port;
    let tls = if p.verifies() {
        format!("VerifyFull)\n    .ssl_root_cert(\"{CA_FILE}\");")
    } else {
        "Require);".to_owned()
    };
    format!(
        "let options = PgConnectOptions::new()\n    .host({host})\n    .port({port})\n    .database({database})\n    \
         .username({user})\n    .password({secret})\n    .ssl_mode(PgSslMode::{tls}\n\
         let pool = PgPool::connect_with(options).await?;"
    )
}

fn pgx(p: &Parts<'_>) -> String {
    format!("conn, err := pgx.Connect(ctx, \"{}\")", url(p))
}

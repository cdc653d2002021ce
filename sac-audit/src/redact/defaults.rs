// SPDX-License-Identifier: MIT OR Apache-2.0
//! The patterns that are always there, in one table. `docs/audit.md` repeats it, and a test compares the two.

use super::pattern::{Form, Pattern};

/// A pattern of the table.
#[derive(Clone, Copy, Debug)]
pub struct Default {
    /// What it is for.
    pub about: &'static str,
    /// See [`Pattern::programs`].
    pub programs: &'static [&'static str],
    /// See [`Pattern::regex`].
    pub regex: &'static str,
    /// See [`Form`].
    pub form: DefaultForm,
    /// Arguments that it redacts, and what becomes of them.
    pub example: (&'static [&'static str], &'static [&'static str]),
    /// Arguments that look like it and stay as they are.
    pub stays: &'static [&'static str],
}

/// The form of a pattern of the table.
#[derive(Clone, Copy, Debug)]
pub enum DefaultForm {
    /// [`Form::Within`].
    Within,
    /// [`Form::Next`].
    Next,
    /// [`Form::WithinNext`].
    WithinNext(&'static str),
}

impl Default {
    /// As a pattern like all others.
    #[must_use]
    pub fn pattern(&self) -> Pattern {
        let form = match self.form {
            DefaultForm::Within => Form::Within,
            DefaultForm::Next => Form::Next,
            DefaultForm::WithinNext(value) => Form::WithinNext(value.to_owned()),
        };
        let programs = self.programs.iter().map(|&program| program.to_owned()).collect();
        Pattern { regex: self.regex.to_owned(), form, programs }
    }
}

const MYSQL: &[&str] =
    &["mysql", "mysqldump", "mysqladmin", "mysqlimport", "mariadb", "mariadb-dump", "mariadb-admin"];

/// The table.
pub const DEFAULTS: &[Default] = &[
    Default {
        about: "options that are named after a secret",
        programs: &[],
        regex: r"(?is)^--?[a-z0-9_-]*(?:password|passwd|passphrase|secret|token|api[_-]?key|access[_-]?key|secret[_-]?key|private[_-]?key)=(.+)$",
        form: DefaultForm::Within,
        example: (
            &["restic", "--repo-password=hunter2", "snapshots"],
            &["restic", "--repo-password=***", "snapshots"],
        ),
        stays: &["restic", "--password-file=/etc/restic/key", "snapshots"],
    },
    Default {
        about: "the argument after such an option",
        programs: &[],
        regex: r"(?i)^--?[a-z0-9_-]*(?:password|passwd|passphrase|secret|token|api[_-]?key|access[_-]?key|secret[_-]?key|private[_-]?key)$",
        form: DefaultForm::Next,
        example: (
            &["vault", "login", "--token", "s.Hgx1", "-quiet"],
            &["vault", "login", "--token", "***", "-quiet"],
        ),
        stays: &["vault", "login", "--token-ttl", "5m"],
    },
    Default {
        about: "variables that are named after a secret, on a command line or in the environment",
        programs: &[],
        regex: r"(?is)^[a-z0-9_]*(?:password|passwd|passphrase|_pwd|secret|token|api_?key|access_?key|secret_?key|private_?key|secret_?key_?base)=(.+)$",
        form: DefaultForm::Within,
        example: (&["env", "PGPASSWORD=hunter2", "psql"], &["env", "PGPASSWORD=***", "psql"]),
        stays: &["env", "PGPASSFILE=/root/.pgpass", "PWD=/root", "psql"],
    },
    Default {
        about: "passwords in URLs",
        programs: &[],
        regex: r"[A-Za-z][A-Za-z0-9+.-]*://[^/\s:@]*:([^/\s]+)@",
        form: DefaultForm::Within,
        example: (
            &["git", "clone", "https://bob:hunter2@example.org/a.git"],
            &["git", "clone", "https://bob:***@example.org/a.git"],
        ),
        stays: &["git", "clone", "https://bob@example.org:8443/a@b.git"],
    },
    Default {
        about: "secrets in the query of a URL, or in a form",
        programs: &[],
        regex: r"(?i)[?&](?:password|passwd|pwd|secret|client_secret|token|access_token|refresh_token|api_?key|signature|sig|x-amz-signature)=([^&#\s]+)",
        form: DefaultForm::Within,
        example: (
            &["wget", "https://example.org/?id=7&token=abc&v=2"],
            &["wget", "https://example.org/?id=7&token=***&v=2"],
        ),
        stays: &["wget", "https://example.org/?tokens=7"],
    },
    Default {
        about: "secrets in JSON",
        programs: &[],
        regex: r#"(?is)"(?:password|passwd|passphrase|secret|client_secret|token|access_token|refresh_token|api_?key|private_?key)"\s*:\s*"((?:[^"\\]|\\.)+)"#,
        form: DefaultForm::Within,
        example: (
            &["curl", "-d", r#"{"user":"bob","password":"hunter2"}"#],
            &["curl", "-d", r#"{"user":"bob","password":"***"}"#],
        ),
        stays: &["curl", "-d", r#"{"password_hint":"dog"}"#],
    },
    Default {
        about: "the header `Authorization`",
        programs: &[],
        regex: r#"(?i)\b(?:proxy-)?authorization\s*[:=]\s*(?:(?:basic|bearer|digest|token|negotiate)\s+)?([^'"\r\n]+)"#,
        form: DefaultForm::Within,
        example: (&["curl", "-H", "Authorization: Bearer abc"], &["curl", "-H", "Authorization: Bearer ***"]),
        stays: &["curl", "-H", "Accept:authorization"],
    },
    Default {
        about: "other headers with secrets",
        programs: &[],
        regex: r#"(?i)\b(?:x-api-key|x-auth-token|x-vault-token|private-token|set-cookie|cookie)\s*:\s*([^'"\r\n]+)"#,
        form: DefaultForm::Within,
        example: (&["curl", "-H", "X-Api-Key: abc"], &["curl", "-H", "X-Api-Key: ***"]),
        stays: &["curl", "-H", "X-Api-Version:2"],
    },
    Default {
        about: "key ids of AWS",
        programs: &[],
        regex: r"\b((?:AKIA|ASIA)[A-Z0-9]{16})\b",
        form: DefaultForm::Within,
        example: (
            &["aws", "configure", "set", "aws_access_key_id", "AKIAIOSFODNN7EXAMPLE"],
            &["aws", "configure", "set", "aws_access_key_id", "***"],
        ),
        stays: &["aws", "s3", "ls", "s3://AKIAIOSF"],
    },
    Default {
        about: "settings of the AWS command line",
        programs: &["aws"],
        regex: r"^aws_(?:secret_access_key|session_token)$",
        form: DefaultForm::Next,
        example: (
            &["aws", "configure", "set", "aws_session_token", "Fwo/Gz"],
            &["aws", "configure", "set", "aws_session_token", "***"],
        ),
        stays: &["aws", "configure", "set", "region", "eu-central-1"],
    },
    Default {
        about: "tokens of GitHub, GitLab, Slack, Stripe and Google",
        programs: &[],
        regex: r"\b(gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,}|glpat-[A-Za-z0-9_-]{20,}|xox[abeprs]-[A-Za-z0-9-]{10,}|[sr]k_live_[A-Za-z0-9]{16,}|AIza[A-Za-z0-9_-]{35})",
        form: DefaultForm::Within,
        example: (&["gh", "auth", "ghp_0123456789abcdefghijklmnopqrstuvwxyzAB"], &["gh", "auth", "***"]),
        stays: &["gh", "auth", "ghp_short"],
    },
    Default {
        about: "JSON web tokens",
        programs: &[],
        regex: r"\b(eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+)",
        form: DefaultForm::Within,
        example: (
            &["kubectl", "get", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2ln"],
            &["kubectl", "get", "***"],
        ),
        stays: &["kubectl", "get", "eyJhbGciOiJIUzI1NiJ9"],
    },
    Default {
        about: "private keys",
        programs: &[],
        regex: r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----(.+?)(?:-----END|$)",
        form: DefaultForm::Within,
        example: (&["echo", "-----BEGIN PRIVATE KEY-----MIIE"], &["echo", "-----BEGIN PRIVATE KEY-----***"]),
        stays: &["echo", "-----BEGIN PUBLIC KEY-----MIIE"],
    },
    Default {
        about: "`-pSECRET` of MySQL and MariaDB",
        programs: MYSQL,
        regex: r"(?s)^-p(.+)$",
        form: DefaultForm::Within,
        example: (
            &["sudo", "mysql", "-uroot", "-phunter2", "shop"],
            &["sudo", "mysql", "-uroot", "-p***", "shop"],
        ),
        stays: &["mkdir", "-pv", "/srv/mysql"],
    },
    Default {
        about: "`-u USER:SECRET` of curl",
        programs: &["curl"],
        regex: r"^(?:-[a-zA-Z#]*[uU]|--user|--proxy-user)$",
        form: DefaultForm::WithinNext(r"(?s)^[^:]*:(.+)$"),
        example: (
            &["curl", "-su", "bob:hunter2", "https://example.org/"],
            &["curl", "-su", "bob:***", "https://example.org/"],
        ),
        stays: &["chown", "-u", "bob:staff", "/srv"],
    },
    Default {
        about: "`-uUSER:SECRET` and `--user=USER:SECRET` of curl",
        programs: &["curl"],
        regex: r"(?s)^(?:-[uU]|--user=|--proxy-user=)[^:]*:(.+)$",
        form: DefaultForm::Within,
        example: (
            &["curl", "-ubob:hunter2", "https://example.org/"],
            &["curl", "-ubob:***", "https://example.org/"],
        ),
        stays: &["curl", "--url=https://example.org/"],
    },
    Default {
        about: "`-p SECRET` of sshpass and MongoDB",
        programs: &["sshpass", "mongo", "mongosh", "mongodump", "mongorestore"],
        regex: r"^-p$",
        form: DefaultForm::Next,
        example: (
            &["sshpass", "-p", "123456", "ssh", "bob@example.org"],
            &["sshpass", "-p", "***", "ssh", "bob@example.org"],
        ),
        stays: &["mkdir", "-p", "123456"],
    },
    Default {
        about: "`-p SECRET` of docker and podman, where it is no port",
        programs: &["docker", "podman"],
        regex: r"^-p$",
        form: DefaultForm::WithinNext(r"(?s)^(?:[0-9.:\[\]-]+(?:/(?:tcp|udp|sctp))?|(.+))$"),
        example: (
            &["docker", "login", "-u", "bob", "-p", "hunter2"],
            &["docker", "login", "-u", "bob", "-p", "***"],
        ),
        stays: &["docker", "run", "-p", "8080:80/tcp", "nginx"],
    },
    Default {
        about: "`-pSECRET` of sshpass and 7-Zip",
        programs: &["sshpass", "7z", "7za", "7zr", "rar", "unrar"],
        regex: r"(?s)^-p(.+)$",
        form: DefaultForm::Within,
        example: (&["7z", "a", "-phunter2", "a.7z", "/srv"], &["7z", "a", "-p***", "a.7z", "/srv"]),
        stays: &["tar", "-pxf", "a.tar"],
    },
    Default {
        about: "`-a SECRET` of redis-cli",
        programs: &["redis-cli", "valkey-cli"],
        regex: r"^(?:-a|--pass)$",
        form: DefaultForm::Next,
        example: (&["redis-cli", "-a", "hunter2", "ping"], &["redis-cli", "-a", "***", "ping"]),
        stays: &["ls", "-a", "/srv"],
    },
    Default {
        about: "`-w SECRET` of LDAP's programs",
        programs: &["ldapsearch", "ldapadd", "ldapmodify", "ldapdelete", "ldappasswd", "ldapwhoami"],
        regex: r"^-[a-zA-Z]*w$",
        form: DefaultForm::Next,
        example: (
            &["ldapsearch", "-x", "-w", "hunter2", "cn=bob"],
            &["ldapsearch", "-x", "-w", "***", "cn=bob"],
        ),
        stays: &["grep", "-w", "bob"],
    },
    Default {
        about: "`-P SECRET` of zip, unzip and ipmitool",
        programs: &["zip", "unzip", "ipmitool"],
        regex: r"^-P$",
        form: DefaultForm::Next,
        example: (&["zip", "-P", "hunter2", "a.zip", "b"], &["zip", "-P", "***", "a.zip", "b"]),
        stays: &["cp", "-P", "a", "b"],
    },
    Default {
        about: "`-U USER%SECRET` of Samba",
        programs: &["smbclient", "rpcclient", "net", "smbget", "smbmap"],
        regex: r"(?s)^(?:-U|--user=)?[^%\s/]+%(.+)$",
        form: DefaultForm::Within,
        example: (
            &["smbclient", "-U", "bob%hunter2", "//host/share"],
            &["smbclient", "-U", "bob%***", "//host/share"],
        ),
        stays: &["date", "+%H%M"],
    },
    Default {
        about: "`pass:SECRET` of openssl",
        programs: &["openssl"],
        regex: r"(?s)^pass:(.+)$",
        form: DefaultForm::Within,
        example: (
            &["openssl", "rsa", "-passin", "pass:hunter2", "-in", "key"],
            &["openssl", "rsa", "-passin", "pass:***", "-in", "key"],
        ),
        stays: &["openssl", "rsa", "-passin", "file:/root/pass", "-in", "key"],
    },
];

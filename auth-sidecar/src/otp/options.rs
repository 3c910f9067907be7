//! The mail server, as the command line names it.

use std::path::{Path, PathBuf};

use clap::Args;
use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, Tokio1Executor};
use url::Url;

use crate::limits;

/// Options of the command line.
#[derive(Debug, Clone, Default, Args)]
pub struct MailOptions {
    /// The mail server that codes are sent by: `smtp://HOST[:587]` with STARTTLS, which is demanded, or
    /// `smtps://HOST[:465]`. `smtp://localhost:25?tls=none` is taken for this machine only. Without it,
    /// the kind `otp_email` is not offered.
    #[arg(long, env = "COUNTERSIGN_SMTP_URL", requires = "mail_from")]
    pub smtp_url: Option<Url>,
    /// The user at the mail server.
    #[arg(long, env = "COUNTERSIGN_SMTP_USER", requires = "smtp_password_file")]
    pub smtp_user: Option<String>,
    /// A file that holds the user's password.
    #[arg(long, env = "COUNTERSIGN_SMTP_PASSWORD_FILE", requires = "smtp_user")]
    pub smtp_password_file: Option<PathBuf>,
    /// The authority of the mail server's certificate (PEM), beside those that this machine trusts.
    #[arg(long, env = "COUNTERSIGN_SMTP_CA")]
    pub smtp_ca: Option<PathBuf>,
    /// The sender, such as `Shop <no-reply@shop.example>`.
    #[arg(long, env = "COUNTERSIGN_MAIL_FROM")]
    pub mail_from: Option<Mailbox>,
    /// Domains of addresses that get codes, with commas between them; `.example.com` is everything below
    /// example.com. Without it, every domain.
    #[arg(long, env = "COUNTERSIGN_OTP_EMAIL_DOMAINS", value_delimiter = ',')]
    pub otp_email_domains: Vec<String>,
}

/// Why no mail can be sent.
#[derive(Debug, thiserror::Error)]
pub enum InvalidMail {
    /// The address.
    #[error(
        "`{0}` is no mail server: say smtp://HOST, smtps://HOST, or for this machine smtp://localhost:25?tls=none; set it with --smtp-url"
    )]
    Url(String),
    /// The sender.
    #[error("--smtp-url needs --mail-from")]
    From,
    /// A file.
    #[error("cannot read `{path}`: {source}; give the right file with {option}")]
    File {
        /// The option.
        option: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A certificate, or TLS itself.
    #[error("cannot set up TLS to the mail server: {0}; is --smtp-ca a certificate in PEM?")]
    Tls(lettre::transport::smtp::Error),
    /// A password in clear.
    #[error("--smtp-user without TLS would send the password in clear")]
    Plaintext,
    /// Not a domain.
    #[error("`{0}` is no domain; set them with --otp-email-domains")]
    Domain(String),
    /// A text that is compiled in.
    #[error("the texts of mails cannot be read: {0}")]
    Letters(#[from] serde_json::Error),
}

/// Everything that is configured.
pub struct Post {
    /// The way to the server.
    pub transport: AsyncSmtpTransport<Tokio1Executor>,
    /// The sender.
    pub from: Mailbox,
    /// Domains that get codes; none: every one.
    pub domains: Vec<String>,
}

impl Post {
    /// Reads the options; `None` where no server is named.
    pub fn from_options(options: &MailOptions) -> Result<Option<Self>, InvalidMail> {
        let Some(url) = &options.smtp_url else {
            return Ok(None);
        };
        let from = options.mail_from.clone().ok_or(InvalidMail::From)?;
        // An address may hold a password: it is not repeated.
        let unfit = || InvalidMail::Url(format!("{}:…", url.scheme()));
        let host = url
            .host_str()
            .filter(|host| !host.is_empty())
            .ok_or_else(unfit)?;
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        if !url.username().is_empty()
            || url.password().is_some()
            || !matches!(url.path(), "" | "/")
            || url.fragment().is_some()
        {
            return Err(unfit());
        }
        let is_local = bare == "localhost"
            || bare
                .parse::<std::net::IpAddr>()
                .is_ok_and(|address| address.is_loopback());
        let (tls, port) = match (url.scheme(), url.query()) {
            ("smtp", None) => (Tls::Required(tls(bare, options.smtp_ca.as_deref())?), 587),
            ("smtps", None) => (Tls::Wrapper(tls(bare, options.smtp_ca.as_deref())?), 465),
            ("smtp", Some("tls=none")) if is_local => (Tls::None, 25),
            _ => return Err(unfit()),
        };
        let clear = matches!(tls, Tls::None);
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(bare)
            .port(url.port().unwrap_or(port))
            // The sender's domain: this machine's own name is nobody's business.
            .hello_name(ClientId::Domain(from.email.domain().to_owned()))
            .tls(tls)
            .timeout(Some(limits::SMTP_STEP_TIMEOUT));
        if let (Some(user), Some(path)) = (&options.smtp_user, &options.smtp_password_file) {
            if clear {
                return Err(InvalidMail::Plaintext);
            }
            let password = read("--smtp-password-file", path)?;
            let password = String::from_utf8_lossy(&password);
            let password = password.trim_end_matches(['\r', '\n']).to_owned();
            builder = builder.credentials(Credentials::new(user.clone(), password));
        }
        Ok(Some(Self {
            transport: builder.build(),
            from,
            domains: domains(&options.otp_email_domains)?,
        }))
    }
}

fn domains(given: &[String]) -> Result<Vec<String>, InvalidMail> {
    let read = |domain: &String| {
        let below = domain.starts_with('.');
        let name = domain.trim().trim_start_matches('.');
        match url::Host::parse(name) {
            Ok(url::Host::Domain(name)) if below => Ok(format!(".{name}")),
            Ok(url::Host::Domain(name)) => Ok(name),
            _ => Err(InvalidMail::Domain(domain.clone())),
        }
    };
    given.iter().map(read).collect()
}

fn tls(host: &str, ca: Option<&Path>) -> Result<TlsParameters, InvalidMail> {
    let mut builder = TlsParameters::builder(host.to_owned());
    if let Some(path) = ca {
        let pem = read("--smtp-ca", path)?;
        builder =
            builder.add_root_certificate(Certificate::from_pem(&pem).map_err(InvalidMail::Tls)?);
    }
    builder.build_rustls().map_err(InvalidMail::Tls)
}

fn read(option: &'static str, path: &Path) -> Result<Vec<u8>, InvalidMail> {
    std::fs::read(path).map_err(|source| InvalidMail::File {
        option,
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(url: &str) -> MailOptions {
        MailOptions {
            smtp_url: url.parse().ok(),
            mail_from: "no-reply@shop.example".parse().ok(),
            ..MailOptions::default()
        }
    }

    fn error(options: &MailOptions) -> String {
        match Post::from_options(options) {
            Ok(_) => panic!("taken: {options:?}"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_mail_server_is_reached_by_tls_or_on_this_machine() {
        for url in [
            "smtp://mail.example",
            "smtps://mail.example:4650",
            "smtp://[::1]:2525",
            "smtp://localhost:25?tls=none",
            "smtp://127.0.0.1?tls=none",
        ] {
            assert!(
                Post::from_options(&options(url)).unwrap().is_some(),
                "{url}"
            );
        }
        for url in [
            "smtp://mail.example?tls=none",
            "smtp://mail.example?tls=opportunistic",
            "smtps://mail.example?tls=none",
            "http://mail.example",
            "smtp://user:secret@mail.example",
            "smtp://mail.example/path",
            "smtp:mail.example",
        ] {
            let error = error(&options(url));
            assert!(
                error.contains("--smtp-url") && !error.contains("secret"),
                "{error}"
            );
        }
        assert!(
            Post::from_options(&MailOptions::default())
                .unwrap()
                .is_none()
        );
    }

    #[test]
    fn options_that_cannot_work_are_told_at_the_start() {
        let mut from = options("smtp://mail.example");
        from.mail_from = None;
        assert!(error(&from).contains("--mail-from"));
        let mut clear = options("smtp://localhost?tls=none");
        clear.smtp_user = Some("u".into());
        clear.smtp_password_file = Some("/dev/null".into());
        assert!(error(&clear).contains("in clear"));
        let mut ca = options("smtp://mail.example");
        ca.smtp_ca = Some("/nonexistent/ca.pem".into());
        assert!(error(&ca).contains("--smtp-ca"));
        ca.smtp_ca = Some("/dev/null".into());
        let _ = Post::from_options(&ca);
        let mut domain = options("smtp://mail.example");
        domain.otp_email_domains = vec!["corp.example".into(), "not a domain".into()];
        assert!(error(&domain).contains("not a domain"));
        domain.otp_email_domains = vec![" Corp.Example".into(), ".below.example".into()];
        let post = Post::from_options(&domain).unwrap().unwrap();
        assert_eq!(post.domains, ["corp.example", ".below.example"]);
    }
}

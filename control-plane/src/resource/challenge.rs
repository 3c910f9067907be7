//! `challenge`: what a policy, or `Settings` for all of them, demands of whoever is challenged.

use countersign_engine::Assurance;

use super::fields::{Field, Reader};
use super::{limits, words, yaml};
use crate::diagnostic::{Finding, Located, did_you_mean, one_of, quoted};

/// What a challenge demands; what is absent is taken from a wider scope.
#[derive(Clone, Debug, Default)]
pub(crate) struct ChallengeSpec {
    pub(crate) min_assurance: Option<Located<Assurance>>,
    pub(crate) max_age_s: Option<u32>,
    pub(crate) kinds: Option<Vec<Located<ChallengeKind>>>,
    pub(crate) fallback: Option<Vec<Located<ChallengeKind>>>,
    /// Bytes of a navigation's body; 0 = none is kept.
    pub(crate) hold_body: Option<u32>,
    pub(crate) authenticators: Option<Vec<AuthenticatorClass>>,
    /// The session has to be bound to a key of whoever sends it.
    pub(crate) possession: Option<Possession>,
    /// The proof may be given on another device than the one that asked.
    pub(crate) other_device: Option<bool>,
}

/// Where an authenticator is, seen from the browser (WebAuthn Level 3, §5.8.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AuthenticatorClass {
    ClientDevice,
    SecurityKey,
    Hybrid,
}

impl AuthenticatorClass {
    /// Every class, the default first.
    pub(crate) const ALL: [Self; 3] = [Self::ClientDevice, Self::SecurityKey, Self::Hybrid];

    /// As WebAuthn, documents, tickets and sidecars write it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::ClientDevice => "client-device",
            Self::SecurityKey => "security-key",
            Self::Hybrid => "hybrid",
        }
    }
}

/// How it is shown that whoever sends a session holds its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Possession {
    /// It is not.
    None,
    /// By a proof with each request (RFC 9449).
    Dpop,
}

impl Possession {
    const ALL: [Self; 2] = [Self::None, Self::Dpop];

    const fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Dpop => "dpop",
        }
    }
}

/// A way to prove something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChallengeKind {
    Fido,
    Pow,
    Captcha,
    OtpEmail,
    Totp,
    Nojs,
}

impl ChallengeKind {
    /// Every kind; the one that proves most first.
    pub(crate) const ALL: [Self; 6] = [
        Self::Fido,
        Self::Totp,
        Self::OtpEmail,
        Self::Captcha,
        Self::Pow,
        Self::Nojs,
    ];

    /// As documents, tickets and sidecars write it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Fido => "fido",
            Self::Pow => "pow",
            Self::Captcha => "captcha",
            Self::OtpEmail => "otp_email",
            Self::Totp => "totp",
            Self::Nojs => "nojs",
        }
    }

    /// The most that it can prove.
    pub(crate) const fn highest(self) -> Assurance {
        match self {
            Self::Fido => Assurance::UvAttested,
            Self::Totp | Self::OtpEmail => Assurance::Possession,
            Self::Captcha => Assurance::Human,
            Self::Pow | Self::Nojs => Assurance::Effort,
        }
    }

    /// The kinds that can prove as much as this, in words.
    pub(crate) fn that_reach(grade: Assurance) -> Vec<&'static str> {
        let reach = |kind: &Self| kind.highest() >= grade;
        Self::ALL
            .into_iter()
            .filter(reach)
            .map(Self::word)
            .collect()
    }
}

impl ChallengeSpec {
    /// Reads the `challenge` of a policy or of `Settings`.
    pub(super) fn read(reader: &mut Reader<'_>, field: Field) -> Option<Self> {
        let mut fields = reader.fields(field)?;
        let min_assurance = fields
            .take(reader, "minAssurance")
            .and_then(|field| min_assurance(reader, &field));
        let max_age_s = fields
            .take(reader, "maxAge")
            .and_then(|field| reader.seconds(&field, 0..=limits::MAX_SESSION_SECONDS));
        let kinds = fields
            .take(reader, "kinds")
            .map(|field| kinds(reader, &field, true));
        let fallback = fields.take(reader, "fallback").map(|field| {
            let fallback = self::kinds(reader, &field, false);
            for kind in &fallback {
                let chosen = kinds.iter().flatten().find(|it| it.value == kind.value);
                if let Some(chosen) = chosen {
                    let message = format!("`{}` cannot stand in for itself", kind.value.word());
                    reader.push(
                        Finding::error(reader.source(), kind.span.clone(), message)
                            .related(
                                reader.source(),
                                chosen.span.clone(),
                                "it is a first choice here",
                            )
                            .help("name another kind, or leave `fallback` empty: who cannot is blocked"),
                    );
                }
            }
            fallback
        });
        let hold_body = fields
            .take(reader, "holdBody")
            .and_then(|field| reader.integer(&field, 0..=limits::MAX_HELD_BYTES))
            .and_then(|bytes| u32::try_from(bytes.value).ok());
        let authenticators = fields
            .take(reader, "authenticators")
            .map(|field| authenticators(reader, &field));
        let possession = fields.take(reader, "proofOfPossession").and_then(|field| {
            let words = Possession::ALL.map(|way| (way.word(), way));
            reader.word(&field, &words)
        });
        let other_device = fields
            .take(reader, "otherDevice")
            .and_then(|field| Some((field.node.span.clone(), reader.boolean(&field)?)));
        if let (Some(possession), Some((span, false))) = (&possession, &other_device)
            && possession.value == Possession::Dpop
        {
            reader.error(
                span.clone(),
                "a session that is bound by `dpop` is given to programs, whose proof always comes from another device",
                "leave `otherDevice` out, or `proofOfPossession`",
            );
        }
        fields.finish(reader);
        Some(Self {
            possession: possession.map(|possession| possession.value),
            other_device: other_device.map(|(_, other)| other),
            min_assurance,
            max_age_s,
            kinds,
            fallback,
            hold_body,
            authenticators,
        })
    }
}

fn min_assurance(reader: &mut Reader<'_>, field: &Field) -> Option<Located<Assurance>> {
    let grade = reader.word(field, &words::assurances())?;
    if grade.value == Assurance::None {
        let help = "every request has `none`; use `action: monitor` to count";
        reader.error(
            grade.span,
            "a challenge that demands `none` challenges nobody",
            help,
        );
        return None;
    }
    Some(grade)
}

/// Reads classes of authenticators, each once.
fn authenticators(reader: &mut Reader<'_>, field: &Field) -> Vec<AuthenticatorClass> {
    let words = || AuthenticatorClass::ALL.map(AuthenticatorClass::word);
    if matches!(&field.node.value, yaml::Value::Sequence(items) if items.is_empty()) {
        let span = reader.visible(&field.node);
        let help = "write `authenticators: [client-device]`, or leave it out";
        reader.error(span, "`fido` needs an authenticator", help);
    }
    let mut classes = Vec::new();
    for text in reader.texts(field) {
        let known = AuthenticatorClass::ALL
            .into_iter()
            .find(|class| class.word() == text.value);
        let Some(class) = known else {
            let message = format!(
                "there is no class of authenticators {}",
                quoted(&text.value)
            );
            reader.push(
                Finding::error(reader.source(), text.span, message)
                    .suggest(did_you_mean(&text.value, words()))
                    .help(format!("it is {}", one_of(words()))),
            );
            continue;
        };
        if classes.contains(&class) {
            let message = format!("`{}` is named twice", class.word());
            let help = "name each class once, the preferred first";
            reader.error(text.span, &message, help);
            continue;
        }
        classes.push(class);
    }
    classes
}

/// Reads kinds of challenge, each once.
pub(super) fn kinds(
    reader: &mut Reader<'_>,
    field: &Field,
    needed: bool,
) -> Vec<Located<ChallengeKind>> {
    let empty = matches!(&field.node.value, yaml::Value::Sequence(items) if items.is_empty());
    if needed && empty {
        let span = reader.visible(&field.node);
        reader.error(
            span,
            "a challenge needs a kind",
            "write `kinds: [fido]`, or leave it out",
        );
    }
    let words = || ChallengeKind::ALL.map(ChallengeKind::word);
    let mut kinds: Vec<Located<ChallengeKind>> = Vec::new();
    for text in reader.texts(field) {
        let known = ChallengeKind::ALL
            .into_iter()
            .find(|kind| kind.word() == text.value);
        let Some(kind) = known else {
            let message = format!("there is no challenge {}", quoted(&text.value));
            reader.push(
                Finding::error(reader.source(), text.span, message)
                    .suggest(did_you_mean(&text.value, words()))
                    .help(format!("it is {}", one_of(words()))),
            );
            continue;
        };
        if kinds.iter().any(|before| before.value == kind) {
            let message = format!("`{}` is named twice", kind.word());
            reader.error(
                text.span,
                &message,
                "name each kind once, the preferred first",
            );
            continue;
        }
        kinds.push(Located {
            value: kind,
            span: text.span,
        });
    }
    kinds
}

//! `captcha`: a test of somebody else's, and their word for it.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answering, Asked, Asking, Miss, Proof, Verified};
use crate::app::App;
use crate::assurance::Assurance;
use crate::captcha::{self, Worth, fingerprint, provider};
use crate::cause::Cause;
use crate::http::Refusal;
use crate::limits;
use crate::store::{Connection, StoreError};
use crate::world::opaque_id;

/// A token that the provider was asked about.
#[derive(Debug)]
pub struct Answer {
    token: String,
    worth: Worth,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Token {
    token: String,
}

/// What the page needs for the widget.
pub(super) fn ask(app: &App, asking: &Asking<'_>) -> Result<Asked, Refusal> {
    let captcha = app
        .channels
        .captcha
        .as_ref()
        .ok_or_else(|| Refusal::with(Cause::KindUnsupported, asking.ticket))?;
    let provider = captcha.provider();
    // What the widget is told of the ceremony, where the provider repeats it: not its id, which is the
    // browser's and ours alone.
    let data = opaque_id(app.random.as_ref())?;
    let options = json!({
        "api": provider.api.global(),
        "script": provider.script_url,
        "site_key": provider.site_key,
        "invisible": provider.invisible,
        "action": provider::ACTION,
        "data": data,
    });
    Ok(Asked::once(asking.proven, options, data))
}

/// Asks the provider.
pub(super) async fn verify(
    app: &App,
    answering: &Answering<'_>,
    answer: Value,
) -> Result<Verified, Miss> {
    let Ok(Token { token }) = serde_json::from_value(answer) else {
        return Err(Cause::AnswerMalformed.into());
    };
    let captcha = app.channels.captcha.as_ref();
    let captcha = captcha.ok_or(Cause::KindUnsupported)?;
    let asked = captcha::Asked {
        token: &token,
        ceremony: &answering.row.state,
        host: answering.ticket.host().audience(),
        address: answering.address,
        now_s: answering.now_s,
    };
    let worth = captcha.verify(asked).await?;
    Ok(Verified::Captcha(Answer {
        token: fingerprint(&token),
        worth,
    }))
}

impl Answer {
    /// Uses the token up, at every sidecar of this store.
    pub(super) async fn settle(
        &self,
        app: &App,
        tx: &mut Connection,
        answering: &Answering<'_>,
    ) -> Result<Result<Proof, Cause>, StoreError> {
        // Older than that it is refused for its age; while the provider is away nobody tells its age.
        let until = answering
            .now_s
            .saturating_add(limits::CAPTCHA_AGE_S)
            .saturating_add(limits::CAPTCHA_SKEW_S);
        if !app.store.spend_token(tx, &self.token, until).await? {
            return Ok(Err(Cause::CaptchaSpent));
        }
        Ok(Ok(match self.worth {
            Worth::Human => Proof {
                assurance: Assurance::Human,
                amr: &["captcha"],
            },
            Worth::Unchecked => {
                app.metrics.captchas_unchecked.inc();
                Proof {
                    assurance: Assurance::Effort,
                    amr: &["captcha_unchecked"],
                }
            }
        }))
    }
}

//! Ways to ask the parts of a stack: as a client, as a browser, as its operator.

use std::process::{Command, Output};

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::{EVENT_LIMIT, Stack, countersign};
use crate::cdp::{Browser, Options};
use crate::http::{Client, STRANGER};
use crate::metrics::Samples;
use crate::wait;

impl Stack {
    /// A client over https from a trusted hop.
    ///
    /// # Errors
    /// When the stack's authority cannot be read.
    pub fn client(&self) -> Result<Client> {
        Client::new(self.https(), Some(&self.authority), None)
    }

    /// A client over https for another name that the certificate holds.
    ///
    /// # Errors
    /// When the stack's authority cannot be read.
    pub fn client_of(&self, host: &str) -> Result<Client> {
        let origin = format!("https://{host}:{}", self.https_port());
        Client::new(&origin, Some(&self.authority), None)
    }

    /// A client over https from a hop that nobody trusts.
    ///
    /// # Errors
    /// When the stack's authority cannot be read.
    pub fn stranger(&self) -> Result<Client> {
        Client::new(self.https(), Some(&self.authority), Some(STRANGER))
    }

    /// A client of the control plane's REST API.
    ///
    /// # Errors
    /// Never, in practice.
    pub fn api(&self) -> Result<Client> {
        Ok(Client::new(&self.record.addresses.api, None, None)?.with_token(&self.token))
    }

    /// The origin of the dashboard.
    #[must_use]
    pub fn dashboard(&self) -> &str {
        &self.record.addresses.api
    }

    /// A token of an approver.
    #[must_use]
    pub fn approvers_token(&self) -> &str {
        &self.token
    }

    /// Chromium that trusts the stack's certificate and resolves `shop.test` and the names below it.
    ///
    /// # Errors
    /// When it does not start.
    pub fn browser(&self) -> Result<Browser> {
        self.browser_in("en-US")
    }

    /// The same in a language.
    ///
    /// # Errors
    /// When it does not start.
    pub fn browser_in(&self, language: &'static str) -> Result<Browser> {
        self.browser_with(Options {
            language,
            ..Options::default()
        })
    }

    /// The same that binds sessions to keys of its own.
    ///
    /// # Errors
    /// When it does not start.
    pub fn browser_that_binds(&self) -> Result<Browser> {
        self.browser_with(Options {
            binds: true,
            ..Options::default()
        })
    }

    /// The same with options of one's own.
    ///
    /// # Errors
    /// When it does not start.
    pub fn browser_with(&self, options: Options) -> Result<Browser> {
        Browser::launch(&Options {
            trusted_key: Some(self.record.tls.spki_sha256.clone()),
            hosts: Some("MAP shop.test 127.0.0.1, MAP *.shop.test 127.0.0.1".to_owned()),
            ..options
        })
    }

    /// Envoy's own metrics, the filter's among them.
    ///
    /// # Errors
    /// When Envoy does not answer.
    pub fn envoy_metrics(&self) -> Result<Samples> {
        scrape(&self.record.addresses.admin, "/stats/prometheus")
    }

    /// The control plane's metrics.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn control_plane_metrics(&self) -> Result<Samples> {
        scrape(&self.record.addresses.api, "/metrics")
    }

    /// The relay's metrics.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn relay_metrics(&self) -> Result<Samples> {
        let origin = format!("http://127.0.0.1:{}", self.place.ports.at(18_070));
        scrape(&origin, "/metrics")
    }

    /// The sidecar's metrics.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn sidecar_metrics(&self) -> Result<Samples> {
        scrape(&self.record.addresses.sidecar, "/metrics")
    }

    /// A document of Envoy's admin interface.
    ///
    /// # Errors
    /// When Envoy does not answer.
    pub fn envoy_admin(&self, path: &str) -> Result<String> {
        let client = Client::new(&self.record.addresses.admin, None, None)?;
        Ok(client.get(path)?.expect(200)?.body)
    }

    /// The JSON of the control plane's REST API.
    ///
    /// # Errors
    /// When it does not answer with 200.
    pub fn rest(&self, path: &str) -> Result<Value> {
        self.api()?.get(path)?.expect(200)?.json()
    }

    /// A stored event. It travels by the access log, so it may come later than the answer.
    ///
    /// # Errors
    /// When it does not come.
    pub fn event(&self, id: &str) -> Result<Value> {
        let path = format!("/api/v1/events/{id}");
        wait::until("the event is stored", EVENT_LIMIT, || {
            self.rest(&path).map(Some)
        })
    }

    /// `countersign ARGS` against this stack.
    ///
    /// # Errors
    /// When it does not start.
    pub fn cli(&self, args: &[&str]) -> Result<Output> {
        Command::new(countersign()?)
            .args(args)
            .env(
                "COUNTERSIGN_CONTROL_PLANE",
                &self.record.addresses.control_plane,
            )
            .env(super::CONTEXTS, super::contexts(&self.place.folder))
            .env("NO_COLOR", "1")
            .current_dir(self.place.folder.path())
            .output()
            .context("running countersign")
    }
}

fn scrape(origin: &str, path: &str) -> Result<Samples> {
    let reply = Client::new(origin, None, None)?.get(path)?.expect(200)?;
    Ok(Samples::parse(&reply.body))
}

//! Requests whose bodies are held: a program that answers their challenges and brings their tokens.

use anyhow::{Context as _, Result, ensure};
use reqwest::Method;
use reqwest::blocking::RequestBuilder;

use crate::cdp::Browser;
use crate::ceremony::Program;
use crate::http::{Client, Reply, send};
use crate::stack::Stack;
use crate::visitor::Visitor;
use crate::{expect, forge};

/// A request that was held: the ticket that leads to it.
///
/// # Errors
/// With the reply, when it was not.
pub fn held(reply: Reply) -> Result<String> {
    let ticket = expect::sent_to_challenge(reply)?;
    let claims = forge::read(&ticket, 1)?;
    ensure!(claims["held"] == true, "{claims}");
    Ok(ticket)
}

/// A program that answers challenges; the browser is its authenticator.
#[derive(Debug)]
pub struct Prover {
    /// Asks and answers.
    pub program: Program,
    /// Its authenticator.
    pub person: Visitor,
}

impl Prover {
    /// A device that nobody knows.
    ///
    /// # Errors
    /// When the browser refuses.
    pub fn new(browser: &Browser, stack: &Stack) -> Result<Self> {
        let mut person = Visitor::arrive(browser, stack)?;
        person.open_served("/forms")?;
        Ok(Self {
            program: Program::new(stack)?,
            person,
        })
    }

    /// What was just answered is held, and it was this program that sent it: the ticket.
    ///
    /// # Errors
    /// With the reply, when it was not held.
    pub fn held(&mut self, reply: Reply) -> Result<String> {
        self.program.keep(&reply)?;
        held(reply)
    }

    /// Passes a ticket; gives where it is sent then.
    ///
    /// # Errors
    /// When it does not pass.
    pub fn way_on(&mut self, ticket: &str) -> Result<String> {
        let question = self.program.begin(ticket)?;
        let answer = self.person.page.answer(&question)?;
        let passed = self.program.finish(&question, &answer)?.expect(200)?;
        let way = passed.json()?["return"].clone();
        Ok(way.as_str().context("no way on")?.to_owned())
    }

    /// Passes a ticket; gives the path and the token of the form that is served then.
    ///
    /// # Errors
    /// When it does not pass.
    pub fn token(&mut self, ticket: &str) -> Result<(String, String)> {
        let way = self.way_on(ticket)?;
        form(&self.program.get(&way)?.expect(200)?)
    }

    /// Brings a token as the form does.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn bring(&mut self, client: &Client, path: &str, token: &str) -> Result<Reply> {
        self.program.send(brought(client, path, token)?)
    }

    /// Passes a ticket and brings its token.
    ///
    /// # Errors
    /// When it does not pass.
    pub fn pass(&mut self, client: &Client, ticket: &str) -> Result<Reply> {
        let (path, token) = self.token(ticket)?;
        self.bring(client, &path, &token)
    }
}

/// The form that brings a token, without cookies.
///
/// # Errors
/// Never, in practice.
pub fn brought(client: &Client, path: &str, token: &str) -> Result<RequestBuilder> {
    Ok(client
        .navigating()?
        .request(Method::POST, path)
        .header("content-type", "text/plain")
        .header("sec-fetch-site", "same-origin")
        .body(format!("countersign-replay={token}\r\n")))
}

/// Action and token of the page that sends a request again.
fn form(page: &Reply) -> Result<(String, String)> {
    let between = |from: &str| {
        let (_, rest) = page.body.split_once(from)?;
        rest.split_once('"').map(|(value, _)| value.to_owned())
    };
    let csp = page.header("content-security-policy").unwrap_or_default();
    ensure!(!csp.contains("form-action"), "{csp}");
    let path = between("action=\"").context("no form")?;
    let token = between("name=\"countersign-replay\" value=\"").context("no token")?;
    Ok((path.replace("&#38;", "&").replace("&amp;", "&"), token))
}

/// A navigation with a body.
///
/// # Errors
/// When there is no answer.
pub fn posted(client: &Client, method: Method, path: &str, body: Vec<u8>) -> Result<Reply> {
    let request = client.navigating()?.request(method, path);
    send(
        request
            .header("content-type", "application/x-test")
            .body(body),
    )
}

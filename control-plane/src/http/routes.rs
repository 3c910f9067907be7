//! Routes and who may use them: none can be added without saying so.

use std::sync::Arc;

use axum::Router;
use axum::handler::Handler;
use axum::middleware;
use axum::routing::{MethodFilter, MethodRouter, on};

use super::guard::{Gate, admit};
use crate::access::{Need, Role, Rule};
use crate::runtime::{Access, App};

/// Everybody.
pub(super) const OPEN: Rule = Rule::reads(Need::Open);
/// Who may read.
pub(super) const VIEWER: Rule = Rule::reads(Need::Role(Role::Viewer));
/// Who may change resources.
pub(super) const EDITOR: Rule = Rule::changes(Need::Role(Role::Editor));
/// Who may do what cannot be taken back.
pub(super) const APPROVER: Rule = Rule::changes(Need::Role(Role::Approver));
/// Whoever is known.
pub(super) const ANYBODY: Rule = Rule::reads(Need::Anybody);

/// Whoever is known, on what is theirs; the call itself looks whose it is.
pub(super) const THEMSELVES: Rule = Rule::changes(Need::Anybody);

/// Where numbers are read; a start option may open it.
pub(super) const METRICS: &str = "/metrics";

/// One route.
#[derive(Clone, Debug)]
pub struct Route {
    /// `GET`
    pub method: &'static str,
    /// `/api/v1/events/{id}`
    pub path: &'static str,
    /// Who may, and does it change something.
    pub rule: Rule,
}

/// Routes that are not served yet.
#[derive(Debug, Default)]
pub(super) struct Routes {
    routes: Vec<(Route, MethodRouter<App>)>,
}

impl Routes {
    pub(super) fn get<H, T>(self, path: &'static str, rule: Rule, handler: H) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        self.add("GET", path, rule, on(MethodFilter::GET, handler))
    }

    pub(super) fn post<H, T>(self, path: &'static str, rule: Rule, handler: H) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        self.add("POST", path, rule, on(MethodFilter::POST, handler))
    }

    pub(super) fn delete<H, T>(self, path: &'static str, rule: Rule, handler: H) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        self.add("DELETE", path, rule, on(MethodFilter::DELETE, handler))
    }

    fn add(
        mut self,
        method: &'static str,
        path: &'static str,
        rule: Rule,
        router: MethodRouter<App>,
    ) -> Self {
        self.routes.push((Route { method, path, rule }, router));
        self
    }

    /// Each route.
    pub(super) fn list(&self) -> Vec<Route> {
        self.routes.iter().map(|(route, _)| route.clone()).collect()
    }

    /// Behind the gate.
    pub(super) fn router(self, access: &Arc<Access>) -> Router<App> {
        let mut router = Router::new();
        for (route, handler) in self.routes {
            let mut rule = route.rule;
            if route.path == METRICS {
                rule.need = access.metrics_need();
            }
            let gate = Gate::new(Arc::clone(access), route.method, route.path, rule);
            let guarded = handler.layer(middleware::from_fn_with_state(gate, admit));
            router = router.route(route.path, guarded);
        }
        router
    }
}

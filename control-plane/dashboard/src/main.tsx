// The dashboard begins here.

import { type ComponentChildren, render } from "preact";
import { useEffect, useErrorBoundary } from "preact/hooks";
import { ErrorBoundary, LocationProvider, lazy, Route, Router, useLocation } from "preact-iso";
import { api, got } from "./api/client";
import { ApiProblem, asProblem } from "./api/problem";
import { expired, identity, signedOut } from "./app/session";
import { Shell } from "./app/shell";
import { SignIn, SignInAgain } from "./app/sign-in";
import { startTheme } from "./app/theme";
import { useLive } from "./state/live";
import { LinkButton } from "./ui/button";
import { PageHead } from "./ui/parts";
import { Empty, Failed, Loading } from "./ui/states";

const MitigationDashboard = lazy(() => import("./pages/mitigation/page"));

const PolicyList = lazy(() => import("./pages/policies/list"));
const EditResource = lazy(() => import("./pages/resources/edit"));
const EventList = lazy(() => import("./pages/events/list"));
const EventPage = lazy(() => import("./pages/events/detail"));
const RolloutPage = lazy(() => import("./pages/rollouts/rollout"));
const NodesPage = lazy(() => import("./pages/rollouts/nodes"));
const HistoryPage = lazy(() => import("./pages/rollouts/history"));
const RevisionPage = lazy(() => import("./pages/rollouts/revision"));
const ResourceList = lazy(() => import("./pages/resources/list"));
const KeysPage = lazy(() => import("./pages/administration/keys"));
const PasskeysPage = lazy(() => import("./pages/administration/passkeys"));
const AuditPage = lazy(() => import("./pages/administration/audit"));

const HOME = "/dashboards/mitigation";

function Home() {
  const { route } = useLocation();
  useEffect(() => route(HOME, true), [route]);
  return <Loading />;
}

function NoSuchPage() {
  return (
    <>
      <PageHead title="There is no such page" />
      <Empty
        icon="search"
        title="Nothing here"
        action={<LinkButton href={HOME}>To the dashboard</LinkButton>}
      >
        The address may be mistyped, or the page may have moved.
      </Empty>
    </>
  );
}

/** Another page: whoever reads by ear or by keyboard begins at its content. */
function toContent() {
  document.getElementById("main")?.focus({ preventScroll: true });
}

/** A page that fails says so, and leaves the way to the others. */
function Guard({ children }: { children: ComponentChildren }) {
  const { path } = useLocation();
  const [error, reset] = useErrorBoundary();
  // biome-ignore lint/correctness/useExhaustiveDependencies: another page is another try.
  useEffect(reset, [path]);
  if (!error) {
    return children;
  }
  return (
    <>
      <PageHead title="This page has failed" />
      <Failed
        problem={asProblem(new ApiProblem(-1, { title: "A fault of the dashboard", detail: String(error) }))}
        again={reset}
      />
    </>
  );
}

function Pages() {
  return (
    <Shell>
      <Guard>
        <ErrorBoundary>
          <Router onRouteChange={toContent}>
            <Route path="/" component={Home} />
            <Route path="/dashboards/mitigation" component={MitigationDashboard} />
            <Route path="/policies/mitigation" component={PolicyList} />
            <Route path="/policies/mitigation/:name" component={EditResource} />
            <Route path="/events" component={EventList} />
            <Route path="/events/:id" component={EventPage} />
            <Route path="/rollouts" component={RolloutPage} />
            <Route path="/rollouts/nodes" component={NodesPage} />
            <Route path="/rollouts/history" component={HistoryPage} />
            <Route path="/rollouts/history/:revision" component={RevisionPage} />
            <Route path="/policies/signals" component={ResourceList} />
            <Route path="/policies/signals/:name" component={EditResource} />
            <Route path="/policies/device-rules" component={ResourceList} />
            <Route path="/policies/device-rules/:name" component={EditResource} />
            <Route path="/policies/reasons" component={ResourceList} />
            <Route path="/policies/reasons/:name" component={EditResource} />
            <Route path="/policies/lists" component={ResourceList} />
            <Route path="/policies/lists/:name" component={EditResource} />
            <Route path="/policies/settings" component={ResourceList} />
            <Route path="/policies/settings/:name" component={EditResource} />
            <Route path="/rollouts/strategies" component={ResourceList} />
            <Route path="/rollouts/strategies/:name" component={EditResource} />
            <Route path="/administration/keys" component={KeysPage} />
            <Route path="/administration/passkeys" component={PasskeysPage} />
            <Route path="/administration/audit" component={AuditPage} />
            <Route default component={NoSuchPage} />
          </Router>
        </ErrorBoundary>
      </Guard>
    </Shell>
  );
}

async function whoAmI(signal: AbortSignal): Promise<ApiProblem | null> {
  try {
    identity.value = await got(api.GET("/api/v1/whoami", { signal }));
    return null;
  } catch (error) {
    const problem = asProblem(error);
    if (problem.status !== 401) {
      throw problem;
    }
    signedOut();
    return null;
  }
}

function App() {
  const asked = useLive("whoami", whoAmI);
  if (identity.value === undefined) {
    return asked.problem ? (
      <main class="sign-in">
        <Failed problem={asked.problem} again={asked.reload} />
      </main>
    ) : null;
  }
  return identity.value === null ? (
    <SignIn />
  ) : (
    <LocationProvider>
      <Pages />
      {expired.value && <SignInAgain />}
    </LocationProvider>
  );
}

/** Parts of a page that are gone were of a former version: a reload gets the present one, but only once a minute. */
const RELOADED = "countersign.reloaded";
addEventListener("vite:preloadError", () => {
  const last = Number(sessionStorage.getItem(RELOADED) ?? 0);
  if (Date.now() - last > 60_000) {
    sessionStorage.setItem(RELOADED, String(Date.now()));
    location.reload();
  }
});

startTheme();
// The page that most come for need not wait until it is known who asks.
if (location.pathname === "/" || location.pathname === HOME) {
  void MitigationDashboard.preload();
}
const root = document.getElementById("app");
if (root) {
  render(<App />, root);
}

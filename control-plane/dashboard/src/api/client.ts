// Every call to the control plane goes through here.

import createClient, { type Middleware } from "openapi-fetch";
import { sessionEnded } from "../app/session";
import { ApiProblem } from "./problem";
import type { paths } from "./schema";

/** A call that takes longer is given up: whoever waits should learn why. */
const TIMEOUT_MS = 30_000;

const middleware: Middleware = {
  onResponse({ response, schemaPath }) {
    if (response.status === 401 && schemaPath !== "/api/v1/whoami" && schemaPath !== "/api/v1/session") {
      sessionEnded();
    }
  },
};

export const api = createClient<paths>({
  // Where `fetch` is called, so that tests may put another in its place.
  fetch: request =>
    fetch(
      new Request(request, { signal: AbortSignal.any([request.signal, AbortSignal.timeout(TIMEOUT_MS)]) }),
    ),
});
api.use(middleware);

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The data of an answer; anything else is thrown as an `ApiProblem`. */
export async function got<T>(call: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await call;
  if (response.ok && data !== undefined) {
    return data;
  }
  throw new ApiProblem(response.status, typeof error === "object" && error !== null ? error : {});
}

/** A call that answers with nothing. */
export async function done(call: Promise<Answer<unknown>>): Promise<void> {
  const { error, response } = await call;
  if (!response.ok) {
    throw new ApiProblem(response.status, typeof error === "object" && error !== null ? error : {});
  }
}

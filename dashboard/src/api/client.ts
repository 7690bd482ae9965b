/** The typed client of Central's API; every refusal is thrown as a Problem. */
import createClient, { type Middleware } from "openapi-fetch";
import { setAnswering } from "@/api/connection";
import { fromBody, unreachable } from "@/api/problem";
import type { paths } from "@/api/schema";

export const client = createClient<paths>({ baseUrl: window.location.origin });

const guard: Middleware = {
  onRequest({ request }) {
    // Central takes an unsafe method with a cookie only from a page that can set a header.
    request.headers.set("X-Wardline", "1");
    return request;
  },
  async onResponse({ response }) {
    setAnswering(true);
    if (response.ok) return;
    throw fromBody(response.status, await readJson(response));
  },
  onError({ error }) {
    if (error instanceof DOMException && error.name === "AbortError") return;
    setAnswering(false);
    return unreachable();
  },
};
client.use(guard);

/** The body of an answer; the guard above has thrown for every answer without one. */
export async function body<T>(answer: Promise<{ data?: T }>): Promise<T> {
  const { data } = await answer;
  return data as T;
}

async function readJson(response: Response): Promise<unknown> {
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

// Official verifiers in JavaScript: a question on each line of standard input, and its answer.
//
// A question is an object with `verifier`, `secret`, `url`, `headers` and `body`; the answer is true, or false
// for a request that is refused.
import { createInterface } from "node:readline";

const VERIFIERS = {
  async standard({ secret, headers, body }) {
    const { Webhook, WebhookVerificationError } = await import("standardwebhooks");
    return holds(() => new Webhook(secret).verify(body, headers), WebhookVerificationError);
  },

  async svix({ secret, headers, body }) {
    const { Webhook, WebhookVerificationError } = await import("svix");
    return holds(() => new Webhook(secret).verify(body, headers), WebhookVerificationError);
  },

  async github({ secret, headers, body }) {
    const { verify } = await import("@octokit/webhooks-methods");
    return verify(secret, body, headers["x-hub-signature-256"]);
  },

  async shopify({ secret, headers, body, url }) {
    await import("@shopify/shopify-api/adapters/node");
    const { ApiVersion, LogSeverity, shopifyApi } = await import("@shopify/shopify-api");
    const shopify = shopifyApi({
      apiKey: "key",
      apiSecretKey: secret,
      hostName: "example.com",
      isEmbeddedApp: false,
      apiVersion: Object.values(ApiVersion).at(-1),
      logger: { level: LogSeverity.Error },
    });
    const rawRequest = { method: "POST", url, headers };
    return (await shopify.webhooks.validate({ rawBody: body, rawRequest, rawResponse: {} })).valid;
  },
};

function holds(verify, Refusal) {
  try {
    verify();
    return true;
  } catch (error) {
    if (error instanceof Refusal) return false;
    throw error;
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const { verifier, ...question } = JSON.parse(line);
  console.log(JSON.stringify(await VERIFIERS[verifier](question)));
}

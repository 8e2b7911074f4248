// The API's description, drawn from its own OpenAPI document.

import { h } from "./dom.js";

const said = await (await fetch("/api/v1/openapi.json")).json();
const list = document.getElementById("operations");

for (const [path, methods] of Object.entries(said.paths)) {
  for (const [method, one] of Object.entries(methods)) {
    const parameters = (one.parameters || []).map((p) =>
      h("li", {}, h("code", {}, p.name), ` (${p.in}${p.required ? "" : ", optional"}) ${p.description || p.schema?.enum || ""}`));
    const body = Object.keys(one.requestBody?.content || {}).map((type) => h("li", {}, "body: ", h("code", {}, type)));
    const answers = Object.keys(one.responses).join(", ");
    list.append(h("section", { class: "card" },
      h("h2", {}, h("code", {}, `${method.toUpperCase()} ${path}`)), h("p", {}, one.description || one.summary),
      h("ul", {}, ...parameters, ...body, h("li", {}, `answers: ${answers}`))));
  }
}

// Shows the OpenAPI document: each operation with its parameters, bodies and answers.

const document_ = await (await fetch("/openapi.json")).json();
const main = document.getElementById("main");
main.replaceChildren(intro(), ...Object.entries(document_.paths).flatMap(operations));

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function intro() {
  const text = document_.info.description.replaceAll("\n", " ");
  const link = element("a", { href: "/openapi.json" }, "openapi.json");
  return element("p", {}, `${text} Version ${document_.info.version}; as a file: `, link, ".");
}

function operations([path, methods]) {
  return Object.entries(methods).map(([method, operation]) => {
    const head = element("summary", {},
      element("code", { class: `method ${method}` }, method.toUpperCase()), " ",
      element("code", {}, path), " ", element("span", { class: "dim" }, operation.summary));
    return element("details", { class: "operation" }, head,
      element("p", {}, operation.description ?? ""),
      ...parameters(operation), ...body(operation), answers(operation));
  });
}

function parameters(operation) {
  const rows = (operation.parameters ?? []).map((each) => element("li", {},
    element("code", {}, each.name), ` in ${each.in}${each.required ? "" : ", optional"}. `,
    each.description ?? ""));
  return rows.length ? [element("h3", {}, "Parameters"), element("ul", {}, ...rows)] : [];
}

function body(operation) {
  return Object.entries(operation.requestBody?.content ?? {}).flatMap(([type, content]) => [
    element("h3", {}, `Body: ${type}`), element("pre", { tabindex: "0" }, shown(content.schema)),
  ]);
}

function answers(operation) {
  const rows = Object.entries(operation.responses).map(([status, answer]) => element("li", {},
    element("code", {}, status), ` ${answer.description} `,
    element("span", { class: "dim" }, Object.keys(answer.content ?? {}).join(", "))));
  return element("ul", { class: "answers" }, ...rows);
}

function shown(schema) {
  return JSON.stringify(resolved(schema, 0), null, 2);
}

// References are replaced by what they stand for, so that a body is read in one place.
function resolved(schema, depth) {
  if (Array.isArray(schema)) return schema.map((each) => resolved(each, depth));
  if (schema === null || typeof schema !== "object") return schema;
  if (schema.$ref && depth < 6) {
    return resolved(document_.components.schemas[schema.$ref.split("/").at(-1)], depth + 1);
  }
  const kept = Object.entries(schema).filter(([key]) => !["title", "discriminator"].includes(key));
  return Object.fromEntries(kept.map(([key, value]) => [key, resolved(value, depth)]));
}

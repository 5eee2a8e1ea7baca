// Requests to the service: JSON in, JSON out, errors as exceptions with the service's own words.

export class ServiceError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export async function call(method, path, body) {
  const options = { method, headers: {} };
  if (body !== undefined) {
    options.body = JSON.stringify(body);
    options.headers["content-type"] = "application/json";
  }
  const answer = await fetch(path, options);
  if (answer.status === 204) return null;
  const found = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new ServiceError(answer.status, found.error?.message ?? answer.statusText);
  return found;
}

export const get = (path) => call("GET", path);
export const post = (path, body) => call("POST", path, body);
export const patch = (path, body) => call("PATCH", path, body);

// fetch tells nothing of how far an upload is; XMLHttpRequest does.
export function upload(file, tell) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const form = new FormData();
    form.append("file", file, file.name);
    request.upload.onprogress = (event) => tell(event.loaded / Math.max(1, event.total));
    request.onerror = () => reject(new ServiceError(0, `${file.name}: the service does not answer`));
    request.onload = () => {
      const found = parsed(request.responseText);
      if (request.status < 300) resolve(found);
      else reject(new ServiceError(request.status, `${file.name}: ${found.error?.message ?? request.status}`));
    };
    request.open("POST", "/v1/tracks");
    request.send(form);
  });
}

// Calls back with each state of a job; where no WebSocket opens, by asking again and again.
export function follow(job, tell) {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const socket = new WebSocket(`${scheme}://${location.host}/v1/jobs/${job}/progress`);
  let ended = false;
  const hear = (state) => {
    ended ||= ["done", "failed", "canceled"].includes(state.status);
    tell(state);
  };
  socket.onmessage = (event) => hear(JSON.parse(event.data));
  socket.onclose = async () => {
    while (!ended) {
      await new Promise((resolve) => setTimeout(resolve, 1000));
      const state = await get(`/v1/jobs/${job}`).catch(() => null);
      if (state === null) return;
      hear(state);
    }
  };
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

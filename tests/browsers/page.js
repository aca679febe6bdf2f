// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Runs in the pages, their frames and their workers: asks for something, and
// tells what came of it. `reads` is whether a script got at the answer,
// `shown` whether the page uses it all the same.

async function ask({ frame, ...request }) {
    if (frame) return inFrame(frame, request);
    const seen = await end(request);
    return request.timing ? { ...seen, ...await timing(request.url) } : seen;
}

function end(request) {
    const never = new Promise((resolve) => {
        setTimeout(() => resolve({ reads: "no end in 8 s" }), 8000);
    });
    const { how = "fetch" } = request;
    return Promise.race([ways[how](request), never]);
}

// Whether the page sees when the request was sent, and the response's size.
// The entry comes soon after the response.
async function timing(url) {
    for (let i = 0; i < 100; i++) {
        const [entry] = performance.getEntriesByName(url, "resource");
        if (entry) {
            const { requestStart, transferSize } = entry;
            return { timed: requestStart > 0, sized: transferSize > 0 };
        }
        await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return { timed: "no entry" };
}

// Each takes a case's members; cases.mjs says what they are.
const ways = {
    async fetch({ url, body, ...init }) {
        try {
            const answer =
                await fetch(url, { ...init, ...await bodies[body]?.() });
            await answer.text();
            return {
                reads: !answer.type.startsWith("opaque"),
                type: answer.type,
                status: answer.status,
                headers: [...answer.headers.keys()],
            };
        } catch (error) {
            return { reads: false, error: String(error) };
        }
    },

    async xhr({ url, method = "GET", headers, credentials, listener, body }) {
        const xhr = new XMLHttpRequest();
        xhr.open(method, url);
        for (const [name, value] of Object.entries(headers ?? {})) {
            xhr.setRequestHeader(name, value);
        }
        xhr.withCredentials = credentials === "include";
        if (listener) xhr.upload.onprogress = () => {};
        return new Promise((resolve) => {
            xhr.onerror = () => resolve({ reads: false });
            xhr.onload = () => resolve({
                reads: true,
                status: xhr.status,
                headers: xhr.getAllResponseHeaders().split("\r\n")
                    .map((line) => line.split(":")[0]),
            });
            xhr.send(body);
        });
    },

    // Only a canvas that is not tainted gives its pixels away.
    async image(request) {
        const image = element("img", request, "src");
        if (!await loads(image)) return { reads: false, shown: false };
        const canvas = document.createElement("canvas").getContext("2d");
        canvas.drawImage(image, 0, 0);
        try {
            canvas.getImageData(0, 0, 1, 1);
            return { reads: true, shown: true };
        } catch {
            return { reads: false, shown: true };
        }
    },

    async script(request) {
        return { reads: await loads(element("script", request, "src")) };
    },

    async module(request) {
        const script = element("script", request, "src");
        script.type = "module";
        return { reads: await loads(script) };
    },

    async import({ url }) {
        return import(url).then(() => ({ reads: true }),
            () => ({ reads: false }));
    },

    async style(request) {
        const link = element("link", request, "href");
        link.rel = "stylesheet";
        if (!await loads(link)) return { reads: false, shown: false };
        try {
            return { reads: link.sheet.cssRules.length > 0, shown: true };
        } catch {
            return { reads: false, shown: true };
        }
    },

    async preload(request) {
        const link = element("link", request, "href");
        link.rel = "preload";
        link.as = "fetch";
        return { reads: await loads(link) };
    },

    // A font is fetched with CORS always.
    async font({ url }) {
        const style = document.createElement("style");
        style.textContent =
            `@font-face { font-family: "${url}"; src: url("${url}"); }`;
        document.head.append(style);
        const faces = await document.fonts.load(`1em "${url}"`)
            .catch(() => []);
        return { reads: faces.some(({ status }) => status === "loaded") };
    },

    // A track has the crossorigin of its video.
    async track(request) {
        const video = element("video", request);
        const track = element("track", request, "src");
        track.default = true;
        video.append(track);
        const loaded = loads(track, video);
        track.track.mode = "showing";
        return { reads: await loaded };
    },

    async events({ url, credentials }) {
        const withCredentials = credentials === "include";
        const events = new EventSource(url, { withCredentials });
        return new Promise((resolve) => {
            const end = (reads) => () => {
                events.close();
                resolve({ reads });
            };
            events.onmessage = end(true);
            events.onerror = end(false);
        });
    },

    // Nothing tells what became of it; the server's log does.
    async beacon({ url, body }) {
        const { body: data } = await bodies[body]();
        return { reads: false, shown: navigator.sendBeacon(url, data) };
    },

    async form({ url, method }) {
        const frame = document.createElement("iframe");
        frame.name = url;
        const form = element("form", { url }, "action");
        form.method = method;
        form.target = url;
        document.body.append(frame, form);
        form.submit();
        // The empty page that the frame begins with may tell of itself too.
        do {
            await loads(frame, form);
        } while (frame.contentDocument?.URL === "about:blank");
        return { reads: frame.contentDocument !== null, shown: true };
    },
};

const bodies = {
    parameters: () => ({ body: new URLSearchParams("a=b") }),
    multipart() {
        const body = new FormData();
        body.append("a", "b");
        return { body };
    },
    text: () => ({ body: "text" }),
    json: () => ({ body: new Blob(["{}"], { type: "application/json" }) }),
    bytes: () => ({ body: new Uint8Array(3) }),
    stream() {
        const body = new ReadableStream({
            start(controller) {
                controller.enqueue(new TextEncoder().encode("text"));
                controller.close();
            },
        });
        return { body, duplex: "half" };
    },
};

function element(name, { url, crossorigin = true, credentials }, attribute) {
    const made = document.createElement(name);
    if (crossorigin) {
        made.crossOrigin =
            credentials === "include" ? "use-credentials" : "anonymous";
    }
    if (attribute) made[attribute] = url;
    return made;
}

function loads(what, container = what) {
    return new Promise((resolve) => {
        what.onload = () => resolve(true);
        what.onerror = () => resolve(false);
        if (!container.isConnected) document.body.append(container);
    });
}

// Asks from another place on the same page. A frame that is sandboxed, or of
// a data: URL, has the origin null; the others have the page's.
async function inFrame(kind, request) {
    const source = `${self.origin}/page.js`;
    const asking = `ask(${JSON.stringify(request)})`;
    if (kind === "worker") {
        const worker = new Worker(URL.createObjectURL(new Blob([
            `importScripts("${source}"); ${asking}.then(postMessage);`,
        ])));
        return new Promise((resolve) => {
            worker.onmessage = ({ data }) => resolve(data);
        });
    }
    const html = `<!doctype html><body><script src="${source}"></script>
        <script>${asking}.then((seen) => parent.postMessage(
            { url: ${JSON.stringify(request.url)}, seen }, "*"));</script>`;
    const frame = document.createElement("iframe");
    if (kind === "data") {
        frame.src = `data:text/html,${encodeURIComponent(html)}`;
    } else if (kind === "blob") {
        const type = "text/html";
        frame.src = URL.createObjectURL(new Blob([html], { type }));
    } else {
        if (kind === "sandbox") frame.sandbox = "allow-scripts";
        if (kind === "same-origin") {
            frame.sandbox = "allow-scripts allow-same-origin";
        }
        frame.srcdoc = html;
    }
    const told = new Promise((resolve) => {
        addEventListener("message", function told({ data }) {
            if (data.url !== request.url) return;
            removeEventListener("message", told);
            resolve(data.seen);
        });
    });
    document.body.append(frame);
    return told;
}

// For a browser that nobody drives from outside: goes where it is sent, asks
// what it is told to ask.
async function drive() {
    for (;;) {
        const order = await (await fetch("/drive/next")).json();
        if (order.page) {
            location = order.page;
            return;
        }
        const seen = await ask(order).catch(
            (error) => ({ reads: false, error: String(error) }));
        const body = JSON.stringify(seen);
        await fetch("/drive/seen", { method: "POST", body });
    }
}

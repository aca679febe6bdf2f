// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Runs in the pages, and sends what the fragment of the URL says.

const FIELDS = { user: "mallory", password: "secret" };

// What a server that does not look at Content-Type takes for JSON.
const JSON_FIELD = { '{"to": "mallory", "amount": 100, "rest": "': '"}' };
const JSON_TEXT = '{"to": "mallory", "amount": 100}';

const senders = {
    form: (url) => makeForm(url).submit(),

    tab(url) {
        const form = makeForm(url);
        form.target = "_blank";
        // So that it does not depend on the opener.
        form.rel = "noopener";
        form.submit();
    },

    // Into a frame that nobody sees, so that the visitor stays on the page.
    login(url) {
        const frame = document.createElement("iframe");
        frame.name = "hidden";
        frame.hidden = true;
        document.body.append(frame);
        const form = makeForm(url);
        form.target = "hidden";
        form.submit();
    },

    json(url) {
        const form = makeForm(url, JSON_FIELD);
        form.enctype = "text/plain";
        form.submit();
    },

    get(url) {
        const form = makeForm(url);
        form.method = "get";
        form.submit();
    },

    sandbox: (url) => inSandbox("form", url),
    "sandboxed-fetch": (url) => inSandbox("nocors", url),
    "sandboxed-websocket": (url) => inSandbox("websocket", url),

    link(url) {
        const link = document.createElement("a");
        link.href = url;
        document.body.append(link);
        link.click();
    },

    image(url) {
        const image = new Image();
        image.src = url;
        return ends(image, "load", "error");
    },

    // No preflight: the browser calls it text.
    nocors: (url) => fetch(url, {
        method: "POST", mode: "no-cors", credentials: "include",
        body: JSON_TEXT,
    }),

    cors: (url) => fetch(url, { method: "POST", body: JSON_TEXT }),

    keepalive: (url) => fetch(url, {
        method: "POST", mode: "no-cors", keepalive: true, body: JSON_TEXT,
    }),

    preflight: (url) => fetch(url, {
        method: "POST", body: JSON_TEXT,
        headers: { "Content-Type": "application/json" },
    }),

    put: (url) => fetch(url, { method: "PUT", body: JSON_TEXT }),

    xhr(url) {
        const xhr = new XMLHttpRequest();
        xhr.open("POST", url);
        xhr.send(JSON_TEXT);
        return ends(xhr, "loadend");
    },

    beacon: (url) => navigator.sendBeacon(url, JSON_TEXT),

    websocket: (url) =>
        ends(new WebSocket(url.replace(/^http/, "ws")), "close"),
};

function makeForm(url, fields = FIELDS) {
    const form = document.createElement("form");
    form.method = "post";
    form.action = url;
    for (const [name, value] of Object.entries(fields)) {
        const input = document.createElement("input");
        input.name = name;
        input.value = value;
        form.append(input);
    }
    document.body.append(form);
    return form;
}

// A frame whose origin is null.
function inSandbox(how, url) {
    const frame = document.createElement("iframe");
    frame.sandbox = "allow-scripts allow-forms";
    const order = JSON.stringify({ how, url });
    frame.srcdoc = `<body><script src="${self.origin}/sender.js"></script>
        <script>send(${order}).then(() => parent.postMessage("", "*"))
        </script>`;
    document.body.append(frame);
    return ends(self, "message");
}

function ends(target, ...events) {
    return new Promise((resolve) => {
        for (const name of events) target.addEventListener(name, resolve);
    });
}

async function send({ how, url, referrer, done }) {
    if (referrer) {
        const meta = document.createElement("meta");
        meta.name = "referrer";
        meta.content = referrer;
        document.head.append(meta);
    }
    try {
        await senders[how](url);
    } catch {
        // The server's answer keeps the response from the page.
    }
    // Pages that a form takes away tell nothing.
    if (done) fetch(done, { mode: "no-cors" });
}

function begin(fragment) {
    if (fragment) send(JSON.parse(decodeURIComponent(fragment.slice(1))));
}

begin(location.hash);
addEventListener("hashchange",
    ({ newURL }) => begin(new URL(newURL).hash));

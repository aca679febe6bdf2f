// SPDX-License-Identifier: MIT OR Apache-2.0

// A page of yours has one of these. The third is what production would say.
const ways = {
    "through Vite's proxy": "",
    "directly, development.json": "http://localhost:8080",
    "directly, production.json": "http://localhost:8081",
};

const requests = {
    "GET": { method: "GET" },
    "PUT of JSON": {
        method: "PUT",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ name: "a thing" }),
    },
    "DELETE": { method: "DELETE" },
};

const report = document.querySelector("#report");
for (const [way, api] of Object.entries(ways)) {
    report.append(`${way}\n`);
    for (const [name, request] of Object.entries(requests)) {
        report.append(`  ${name}: ${await ask(api, request)}\n`);
    }
}

async function ask(api, request) {
    try {
        const answer = await fetch(`${api}/api/items/1`, {
            ...request, credentials: "include",
        });
        const total = answer.headers.get("X-Total-Count");
        const version = answer.headers.get("X-Version");
        return `${answer.status}, X-Total-Count ${total}, X-Version ${version}`;
    } catch {
        return "blocked, and the console says why";
    }
}

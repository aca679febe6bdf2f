// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Opens a WebSocket over HTTP/2 (RFC 8441):
//
//     node websocket_http2.mjs ORIGIN PATH NAME VALUE...
//
// prints the status of the response, if there is one, and, if it is 200, what
// comes back of the message "hi". It asks even if the server does not offer it:
// an attacker would.

import http2 from "node:http2";

const [origin, path, ...fields] = process.argv.slice(2);
const headers = {
    ":method": "CONNECT", ":protocol": "websocket", ":scheme": "http",
    ":path": path, ":authority": new URL(origin).host,
    "sec-websocket-version": "13",
};
for (let at = 0; at < fields.length; at += 2) {
    headers[fields[at]] = fields[at + 1];
}

const client = http2.connect(origin);
client.setTimeout(10_000, () => client.destroy(new Error("timeout")));
client.once("remoteSettings", () => {
    const stream = client.request(headers, { endStream: false });
    stream.on("response", response => {
        console.log(response[":status"]);
        if (response[":status"] === 200) {
            // As open_websocket of web_server.py.
            stream.write(Buffer.from("818200000000", "hex"));
            stream.write("hi");
            let received = Buffer.alloc(0);
            stream.on("data", data => {
                received = Buffer.concat([received, data]);
                if (received.length >= 4) {
                    console.log(received.subarray(2, 4).toString());
                    client.destroy();
                }
            });
        } else {
            stream.resume();
        }
    });
    // A server that does not offer it may reset the stream.
    stream.on("error", error => console.error(error.message));
    stream.on("close", () => client.close());
});

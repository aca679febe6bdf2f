// SPDX-License-Identifier: MIT OR Apache-2.0

import { defineConfig } from "vite";

export default defineConfig({
    server: {
        // Another port would be another origin.
        port: 5173,
        strictPort: true,
        // Not "localhost", which may be [::1], where nginx does not listen.
        proxy: { "/api": "http://127.0.0.1:8080" },
    },
});

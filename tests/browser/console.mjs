// Tests of the web console, in the order of a session: each goes on where the last one stopped.

import "./commands.test.mjs";
import "./settings.test.mjs";
import "./data.test.mjs";
import "./devicepage.test.mjs";
import "./log.test.mjs";
import "./focus.test.mjs";
import "./pins.test.mjs";
import "./origin.test.mjs";
import "./app.test.mjs";
import "./everyone.test.mjs";
import "./away.test.mjs";
import "./websocket.test.mjs";
import "./https.test.mjs";
import "./setup.test.mjs";
import "./captive.test.mjs";
import { run } from "./harness.mjs";

await run();

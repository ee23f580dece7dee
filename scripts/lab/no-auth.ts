// What the bench measures the snippets against: the same server, without auth().

import express from "express";
import { log, page, prepare, whoami } from "../../snippets/support/index.ts";

const { record, serve } = await prepare();
const app = express();
app.use(log);

app.get("/", page);
app.get("/whoami", whoami);
app.post("/update", express.json(), record);
app.post("/draft", express.json(), record);

serve(app);

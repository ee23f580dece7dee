import { testOn } from "./where-it-lives/suite.ts";

await testOn(4);

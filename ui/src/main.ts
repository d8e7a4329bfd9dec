import { mount } from "svelte";

import App from "./App.svelte";
import { openPlatform } from "./platform/open";
import { Parlour } from "./state/parlour.svelte";
import "./styles/base.css";

const target = document.getElementById("app");
if (target === null) throw new Error("index.html has no #app");

const parlour = new Parlour(await openPlatform());
parlour.focused = document.hasFocus();
mount(App, { target, props: { parlour } });
await parlour.start();

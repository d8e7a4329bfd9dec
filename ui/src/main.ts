import { mount } from "svelte";

import HouseView from "./House.svelte";
import { openHost } from "./platform/open";
import { House } from "./state/house.svelte";
import "./styles/base.css";

const target = document.getElementById("app");
if (target === null) throw new Error("index.html has no #app");

const house = new House(await openHost());
house.desk.focused = document.hasFocus();
mount(HouseView, { target, props: { house } });
await house.start();

// The page's entry: what has to happen before anything is drawn, and then the page.

import './style.css';
import { mount } from 'svelte';
import App from './App.svelte';
import { isolate } from './isolation/isolate.ts';

void isolate();
mount(App, { target: document.getElementById('app')! });

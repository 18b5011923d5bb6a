// A page for tests and for people who work on the shared components: one of each, with made-up values.

import '../../../src/web/style.css';
import { mount } from 'svelte';
import Gallery from './Gallery.svelte';

mount(Gallery, { target: document.getElementById('app')! });

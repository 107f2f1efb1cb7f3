// The 3D view of one scene: turn, move and zoom by mouse, finger or keyboard; drawn only when something changes.
// Needs three.js (global THREE) and the scene's own script, which sets window.gen3dScene to base64 of a gzipped GLB.
"use strict";
(() => {
  const holder = document.querySelector("[data-viewer]");
  if (!holder) return;
  const canvas = holder.querySelector("canvas");
  const setup = JSON.parse(holder.dataset.viewer);
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const say = (text) => { holder.querySelector(".note").textContent = text; };
  const fail = (text) => { holder.dataset.state = "failed"; say(text); };

  // Scene frame (z up) to three's (y up).
  const point = (v) => new THREE.Vector3(v[0], v[2], -v[1]);

  async function bytes() {
    const packed = Uint8Array.from(atob(window.gen3dScene), (letter) => letter.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).arrayBuffer();
  }

  if (typeof THREE === "undefined" || !window.gen3dScene) return fail("A file of this site is missing.");
  if (typeof DecompressionStream === "undefined") return fail("This browser is too old for the 3D view.");
  let renderer;
  try {
    renderer = new THREE.WebGLRenderer({ canvas, antialias: true, powerPreference: "low-power" });
  } catch (error) {
    return fail("This browser has no WebGL, so only the pictures can be shown.");
  }
  renderer.outputEncoding = THREE.sRGBEncoding;
  renderer.shadowMap.enabled = true;
  renderer.shadowMap.type = THREE.PCFSoftShadowMap;
  renderer.setPixelRatio(Math.min(devicePixelRatio || 1, 2));

  const scene = new THREE.Scene();
  scene.background = new THREE.Color(...setup.sky).convertSRGBToLinear();
  const camera = new THREE.PerspectiveCamera(40, 4 / 3, 0.02, 30);
  scene.add(new THREE.HemisphereLight(0xffffff, 0xb9a58c, 0.64));
  const sun = new THREE.DirectionalLight(0xfff6e8, 0.46);
  const middle = point(setup.views[0].target);
  sun.position.copy(middle).sub(point(setup.light).normalize().multiplyScalar(2.5));
  sun.target.position.copy(middle);
  sun.castShadow = true;
  sun.shadow.mapSize.set(2048, 2048);
  sun.shadow.bias = -0.0006;
  sun.shadow.normalBias = 0.004;
  sun.shadow.radius = 4;
  Object.assign(sun.shadow.camera, { left: -0.9, right: 0.9, top: 0.9, bottom: -0.9, near: 0.2, far: 6 });
  scene.add(sun, sun.target);

  // Where the eye is, as turn, height angle and distance about a target; "goal" is where it is going.
  const orbit = { target: new THREE.Vector3(), turn: 0, lift: 0, distance: 1 };
  const goal = { target: new THREE.Vector3(), turn: 0, lift: 0, distance: 1 };
  const limits = { lift: [-0.15, 1.55], distance: [0.12, 3.2] };
  const clamp = (value, [low, high]) => Math.min(high, Math.max(low, value));

  function look(view, jump) {
    goal.target.copy(point(view.target));
    const away = point(view.eye).sub(goal.target);
    goal.distance = away.length();
    goal.lift = Math.asin(away.y / goal.distance);
    const turn = Math.atan2(away.x, away.z);
    goal.turn = orbit.turn + Math.atan2(Math.sin(turn - orbit.turn), Math.cos(turn - orbit.turn));
    camera.fov = view.fov;
    camera.updateProjectionMatrix();
    if (jump || calm) settle();
    wake();
  }

  function settle() {
    orbit.target.copy(goal.target);
    Object.assign(orbit, { turn: goal.turn, lift: goal.lift, distance: goal.distance });
  }

  let waiting = false;
  let before = 0;
  function wake() {
    if (waiting) return;
    before = performance.now();
    next();
  }
  function next() {
    waiting = true;
    holder.dataset.moving = "";
    requestAnimationFrame(draw);
  }

  // The time since the last picture, not since the browser began this one: on a busy machine that began before the last
  // was done, and nothing would ever arrive.
  function draw() {
    waiting = false;
    const now = performance.now();
    const share = 1 - Math.exp(-(now - before) / 70);
    before = now;
    orbit.target.lerp(goal.target, share);
    let rest = orbit.target.distanceTo(goal.target);
    for (const key of ["turn", "lift", "distance"]) {
      orbit[key] += (goal[key] - orbit[key]) * share;
      rest += Math.abs(goal[key] - orbit[key]);
    }
    if (rest < 1e-4 || calm) { settle(); rest = 0; }
    const flat = Math.cos(orbit.lift) * orbit.distance;
    camera.position.set(
      orbit.target.x + flat * Math.sin(orbit.turn), orbit.target.y + Math.sin(orbit.lift) * orbit.distance,
      orbit.target.z + flat * Math.cos(orbit.turn));
    camera.lookAt(orbit.target);
    renderer.render(scene, camera);
    if (rest > 0) next();
    else delete holder.dataset.moving;
  }

  function turn(dx, dy) {
    goal.turn -= dx;
    goal.lift = clamp(goal.lift + dy, limits.lift);
    if (calm) settle();
    wake();
  }
  function zoom(factor) {
    goal.distance = clamp(goal.distance * factor, limits.distance);
    if (calm) settle();
    wake();
  }
  function pan(dx, dy) {
    const right = new THREE.Vector3(Math.cos(goal.turn), 0, -Math.sin(goal.turn));
    const ahead = new THREE.Vector3(-Math.sin(goal.turn), 0, -Math.cos(goal.turn));
    const scale = goal.distance / canvas.clientHeight;
    goal.target.addScaledVector(right, -dx * scale).addScaledVector(ahead, dy * scale);
    if (calm) settle();
    wake();
  }

  const fingers = new Map();
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, [event.clientX, event.clientY]);
    canvas.classList.add("held");
  });
  canvas.addEventListener("pointermove", (event) => {
    const last = fingers.get(event.pointerId);
    if (!last) return;
    const [dx, dy] = [event.clientX - last[0], event.clientY - last[1]];
    if (fingers.size === 2) {
      const other = [...fingers].find(([id]) => id !== event.pointerId)[1];
      const gap = (p) => Math.hypot(p[0] - other[0], p[1] - other[1]) || 1;
      zoom(gap(last) / gap([event.clientX, event.clientY]));
      pan(dx / 2, dy / 2);
    } else if (event.shiftKey || event.buttons & 6) {
      pan(dx, dy);
    } else {
      turn(dx * 0.008, dy * 0.008);
    }
    fingers.set(event.pointerId, [event.clientX, event.clientY]);
  });
  for (const name of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(name, (event) => {
      fingers.delete(event.pointerId);
      if (!fingers.size) canvas.classList.remove("held");
    });
  }
  canvas.addEventListener("contextmenu", (event) => event.preventDefault());
  // The wheel scrolls the page until the view has been clicked or reached with Tab.
  canvas.addEventListener("wheel", (event) => {
    if (document.activeElement !== canvas && !event.ctrlKey) return;
    event.preventDefault();
    zoom(Math.exp(clamp(event.deltaY, [-100, 100]) * 0.0018));
  }, { passive: false });
  canvas.addEventListener("keydown", (event) => {
    const keys = {
      ArrowLeft: () => turn(-0.12, 0), ArrowRight: () => turn(0.12, 0),
      ArrowUp: () => turn(0, 0.1), ArrowDown: () => turn(0, -0.1),
      "+": () => zoom(0.85), "=": () => zoom(0.85), "-": () => zoom(1 / 0.85), Home: () => look(setup.views[0], false),
    };
    if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    keys[event.key]();
  });
  for (const button of document.querySelectorAll("[data-view]")) {
    button.addEventListener("click", () => look(setup.views[Number(button.dataset.view)], false));
  }

  function fit() {
    const { clientWidth: width, clientHeight: height } = holder;
    if (!width || !height) return;
    renderer.setSize(width, height, false);
    camera.aspect = width / height;
    camera.updateProjectionMatrix();
    wake();
  }

  function shine(model) {
    const parts = new Map();
    model.traverse((node) => {
      if (!node.isMesh) return;
      const name = node.userData.name || node.parent.userData.name || "";
      const moves = !name.startsWith("room") && !name.startsWith("support");
      node.castShadow = moves;
      node.receiveShadow = true;
      // Things share materials in the file; each gets its own here, so that one can be lit alone.
      if (name.startsWith("object")) node.material = node.material.clone();
      if (!parts.has(name)) parts.set(name, []);
      parts.get(name).push(node);
    });
    for (const row of document.querySelectorAll("[data-node]")) {
      const meshes = parts.get(row.dataset.node) || [];
      const light = (on) => () => {
        for (const mesh of meshes) mesh.material.emissive.setRGB(0.05 * on, 0.16 * on, 0.42 * on);
        wake();
      };
      row.addEventListener("pointerenter", light(1));
      row.addEventListener("pointerleave", light(0));
      row.addEventListener("focusin", light(1));
      row.addEventListener("focusout", light(0));
    }
  }

  bytes()
    .then((buffer) => new Promise((done, wrong) => new THREE.GLTFLoader().parse(buffer, "", done, wrong)))
    .then((loaded) => {
      scene.add(loaded.scene);
      shine(loaded.scene);
      new ResizeObserver(fit).observe(holder);
      fit();
      look(setup.views[0], true);
      requestAnimationFrame(() => requestAnimationFrame(() => { holder.dataset.state = "ready"; say(""); }));
    })
    .catch(() => fail("The 3D file of this scene cannot be read."));
  canvas.addEventListener("webglcontextlost", (event) => {
    event.preventDefault();
    fail("The graphics were taken away. Reload the page to see the 3D view again.");
  });
})();

// Passkeys: a form with data-passkey asks the browser for one and sends its answer.
//   data-passkey="create"   makes a new one, by the options in data-options
//   data-passkey="get"      shows one, by the options in data-options or from data-options-from
// The answer goes into the form's field "credential". What goes wrong is said in .passkey-error.

const json = (credential) => JSON.stringify(credential.toJSON());

async function options(form) {
  const from = form.dataset.optionsFrom;
  if (!from) return JSON.parse(form.dataset.options);
  const answer = await fetch(from, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error("The dashboard does not answer.");
  return (await answer.json()).request_options;
}

async function create(form) {
  const { publicKey } = await options(form);
  const alone = form.elements.passwordless?.checked;
  publicKey.authenticatorSelection = {
    ...publicKey.authenticatorSelection,
    residentKey: alone ? "required" : "discouraged",
    requireResidentKey: Boolean(alone),
    userVerification: alone ? "required" : "preferred",
  };
  const asked = PublicKeyCredential.parseCreationOptionsFromJSON(publicKey);
  return json(await navigator.credentials.create({ publicKey: asked }));
}

async function get(form) {
  const { publicKey } = await options(form);
  const asked = PublicKeyCredential.parseRequestOptionsFromJSON(publicKey);
  return json(await navigator.credentials.get({ publicKey: asked }));
}

function words(error) {
  if (error.name === "NotAllowedError") return "No passkey was given. Try again.";
  if (error.name === "InvalidStateError") return "This passkey is already in your list.";
  return error.message;
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  const button = form.querySelector("button");
  if (!window.PublicKeyCredential?.parseRequestOptionsFromJSON) {
    button.disabled = true;
    form.querySelector(".passkey-error").textContent = "This browser cannot use passkeys here.";
    continue;
  }
  form.addEventListener("submit", async (event) => {
    if (form.elements.credential.value) return;
    event.preventDefault();
    const says = form.querySelector(".passkey-error");
    says.textContent = "";
    button.disabled = true;
    try {
      form.elements.credential.value = await (form.dataset.passkey === "create" ? create : get)(form);
      form.submit();
    } catch (error) {
      says.textContent = words(error);
      button.disabled = false;
    }
  });
}

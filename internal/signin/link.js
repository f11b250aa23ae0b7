// Takes the one-time token out of the address, where it would stay in the
// browser's history, and puts it into the form.
(() => {
  const field = document.querySelector('input[name="token"]');
  const token = location.hash.slice(1);
  if (!field || !token) return;
  field.value = token;
  history.replaceState(null, "", location.pathname);
})();

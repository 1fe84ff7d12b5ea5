// <button data-now-into="ID OF A TIME FIELD" data-zone="ZONE">: the time by the clock of the centre, at once and without a
// connection. Without scripts the server fills it in.
document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-now-into]");
  const field = button && document.getElementById(button.dataset.nowInto);
  if (!field) return;
  event.preventDefault();
  const said = { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: button.dataset.zone };
  field.value = new Intl.DateTimeFormat("en-GB", said).format(new Date());
  field.dispatchEvent(new Event("input", { bubbles: true }));
});
